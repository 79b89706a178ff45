package notify

import (
	"slices"

	"github.com/roomcast/roomcast/rooms"
)

// Join adds the member to hub rooms. It receives messages that are published after the call. A
// session keeps these rooms separate from those that the client requested, because the server
// decided on them.
func (m *Member) Join(hubRooms ...string) {
	m.lock()
	defer m.h.unlock()
	m.joinGranted(hubRooms)
}

func (m *Member) joinGranted(hubRooms []string) {
	if m.detached {
		return
	}
	for _, name := range hubRooms {
		m.h.join(m, name, m.h.head.Seq)
		m.grant(name)
	}
}

// JoinAll is Member.Join for members. It calls no function of OnRoomChange, so the reader of the log
// can call it.
func (h *Hub) JoinAll(members []*Member, hubRooms ...string) {
	for _, m := range members {
		m.lock()
		m.joinGranted(hubRooms)
		h.unlockAs(true)
	}
}

// LeaveAll is JoinAll for Member.Leave.
func (h *Hub) LeaveAll(members []*Member, hubRooms ...string) {
	for _, m := range members {
		m.lock()
		for _, name := range hubRooms {
			h.leave(m, name)
		}
		h.unlockAs(true)
	}
}

// grant records that the server, not the client, added m to a room.
func (m *Member) grant(name string) {
	if !slices.Contains(m.granted, name) {
		m.granted = append(m.granted, name)
	}
}

// Leave removes the member from hub rooms, except for those that every member joins in Attach.
func (m *Member) Leave(hubRooms ...string) {
	m.lock()
	defer m.h.unlock()
	for _, name := range hubRooms {
		m.h.leave(m, name)
	}
}

// Rooms returns the hub rooms of the member, in no particular order.
func (m *Member) Rooms() []string {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	return m.rooms(func(string) bool { return true })
}

// In reports whether the member is in a hub room.
func (m *Member) In(hubRoom string) bool {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	return m.in(hubRoom)
}

func (m *Member) in(hubRoom string) bool {
	r := m.h.index.table.Room(hubRoom)
	return r != nil && r.Has(&m.seat)
}

func (m *Member) rooms(want func(hubRoom string) bool) []string {
	in := m.seat.Rooms()
	names := make([]string, 0, len(in))
	for i := range in {
		if name := in[i].Room.Name; want(name) {
			names = append(names, name)
		}
	}
	return names
}

// join adds m to a room. Messages of the room after sequence number at are for m.
func (h *Hub) join(m *Member, name string, at uint64) {
	r := h.index.open(name)
	if !r.Join(&m.seat, at) {
		return
	}
	if r.Len() == 1 {
		h.note(RoomCreated, m, name)
		if isChannel(name) {
			h.channels++
		}
	}
	h.note(RoomJoined, m, name)
	h.shareChannel(r)
	h.owe(m, name, everFrom, int64(at))
	h.unsaved.addAll(m)
}

// leave removes m from a room that it joined.
func (h *Hub) leave(m *Member, name string) {
	if r := h.index.table.Room(name); r != nil && !m.own(name) && r.Leave(&m.seat) {
		m.granted = slices.DeleteFunc(m.granted, func(granted string) bool {
			return granted == name
		})
		h.left(m, r)
	}
}

// left updates the room r and the counters after m has left it.
func (h *Hub) left(m *Member, r *room) {
	h.disown(m, r.Name)
	h.note(RoomLeft, m, r.Name)
	h.unsaved.addAll(m)
	h.shareChannel(r)
	if r.Len() == 0 {
		h.note(RoomDeleted, m, r.Name)
		if isChannel(r.Name) {
			h.channels--
		}
		h.index.release(r)
	}
}

// own reports whether m joined a hub room in Attach because every member does.
func (m *Member) own(name string) bool {
	namespace, room := rooms.Split(name)
	if namespace != m.a.Namespace {
		return false
	}
	return room == rooms.All || room == rooms.Client(m.a.ClientID) ||
		m.a.UserID != "" && room == rooms.User(m.a.UserID)
}
