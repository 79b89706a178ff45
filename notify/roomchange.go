package notify

// RoomChange reports that a member joined or left a hub room of any kind, including those that
// every member joins.
type RoomChange struct {
	Kind   RoomChangeKind
	Room   string // the hub room
	Member *Member
}

// RoomChangeKind is the kind of a RoomChange.
type RoomChangeKind uint8

// The kinds of a RoomChange. A room is created by its first member and deleted with its last,
// whatever history it has.
const (
	RoomCreated RoomChangeKind = iota
	RoomJoined
	RoomLeft
	RoomDeleted
)

// OnRoomChange adds a function that the Hub calls for every change, in the goroutine that made it, or
// in one of its own for the changes of JoinAll and LeaveAll and what follows them. The changes of one
// member come in order; those of different members may come in any order. Without such a function
// changes cost nothing.
func (h *Hub) OnRoomChange(f func(RoomChange)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.roomChanged = then(h.roomChanged, f)
}

// note keeps a change until the lock is released.
func (h *Hub) note(kind RoomChangeKind, m *Member, room string) {
	if h.roomChanged != nil {
		h.changes = append(h.changes, RoomChange{kind, room, m})
	}
}

// unlock releases the Hub's lock, reports the changes that were noted under it, and wakes the
// members that have joined a room with retained messages.
func (h *Hub) unlock() { h.unlockAs(false) }

// unlockAs is unlock. later says that another goroutine reports the changes.
func (h *Hub) unlockAs(later bool) {
	changes, report, waking := h.changes, h.roomChanged, h.waking
	h.changes, h.waking = nil, nil
	if len(changes) > 0 && (later || h.late.concern(changes)) && h.late.add(changes) {
		changes = nil
		if h.late.ended == nil {
			h.late.ended = make(chan struct{})
			go h.reportLate(h.late.ended)
		}
	}
	h.mu.Unlock()
	for _, m := range waking {
		if m.a.Wake != nil {
			m.a.Wake(1)
		}
	}
	for _, c := range changes {
		report(c)
	}
}
