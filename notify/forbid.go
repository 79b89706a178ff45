package notify

import (
	"slices"

	"github.com/roomcast/roomcast/rooms"
)

// LeaveForbidden takes the member out of the channels of its namespace that may rejects, and
// returns their names. Call it after the permissions of a client have changed. Rooms that the
// server put the member into need no permission, and stay. LeaveForbidden calls may without a lock.
func (h *Hub) LeaveForbidden(m *Member, may func(channel string) bool) (left []string) {
	for _, room := range m.Rooms() {
		namespace, name := rooms.Split(room)
		if namespace != m.a.Namespace || !isChannel(room) || may(name) {
			continue
		}
		m.lock()
		if !m.detached && !slices.Contains(m.granted, room) {
			h.leave(m, room)
			left = append(left, name)
		}
		h.unlock()
	}
	slices.Sort(left)
	return left
}
