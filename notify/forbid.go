package notify

import (
	"slices"

	"github.com/roomcast/roomcast/rooms"
)

// LeaveForbidden takes the member out of the channels of its namespace that may refuses, and returns their names. It
// is for a client whose rights have changed. Rooms that the server itself put the member into stay: they need no
// permission. may is called without a lock.
func (h *Hub) LeaveForbidden(m *Member, may func(channel string) bool) (left []string) {
	for _, room := range m.Rooms() {
		namespace, name := rooms.Split(room)
		if namespace != m.a.Namespace || !isChannel(room) || may(name) {
			continue
		}
		h.mu.Lock()
		if !m.detached && !slices.Contains(m.granted, room) {
			h.leave(m, room)
			left = append(left, name)
		}
		h.unlock()
	}
	slices.Sort(left)
	return left
}
