package notify

// RoomChange tells that a member came into a hub room or left it. It is of any kind of room, the member's own included.
type RoomChange struct {
	Kind   RoomChangeKind
	Room   string // the hub room
	Member *Member
}

// RoomChangeKind says what happened to a room.
type RoomChangeKind uint8

// The kinds of a RoomChange. A room is created by its first member and deleted with its last, whatever history it has.
const (
	RoomCreated RoomChangeKind = iota
	RoomJoined
	RoomLeft
	RoomDeleted
)

// OnRoomChange sets the function that is told of every change, in the order of each member's changes; those of
// different members may come in any order. There is one such function. Until it is set, changes cost nothing.
func (h *Hub) OnRoomChange(f func(RoomChange)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.roomChanged = f
}

// note keeps a change until the lock is released.
func (h *Hub) note(kind RoomChangeKind, m *Member, room string) {
	if h.roomChanged != nil {
		h.changes = append(h.changes, RoomChange{kind, room, m})
	}
}

// unlock releases the Hub's lock and tells what was noted under it.
func (h *Hub) unlock() {
	changes, told := h.changes, h.roomChanged
	h.changes = nil
	h.mu.Unlock()
	for _, c := range changes {
		told(c)
	}
}
