package notify

// Status is what there is to tell of a member at one moment.
type Status struct {
	Transport string
	Rooms     []string // hub rooms, in no order
	Pending   int      // messages in its inbox, at most 64
	Lagging   bool     // it reads from the index instead
	// Lag is how many entries of the log, those of other rooms included, stand between a lagging member and the
	// head. A cursor of another epoch counts from the beginning.
	Lag uint64
}

// Status returns the Status of the member, all of one moment. A detached member has no rooms.
func (m *Member) Status() Status {
	h := m.h
	h.mu.Lock()
	defer h.mu.Unlock()
	s := Status{
		Transport: m.transport, Pending: int(m.pending), Lagging: m.lagging,
		Rooms: m.rooms(func(string) bool { return true }),
	}
	switch {
	case !m.lagging:
	case m.cursor.Epoch != h.head.Epoch:
		s.Lag = h.head.Seq
	case m.cursor.Seq < h.head.Seq:
		s.Lag = h.head.Seq - m.cursor.Seq
	}
	return s
}
