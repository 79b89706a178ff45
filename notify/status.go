package notify

// Status is the state of a member at one moment.
type Status struct {
	Transport string
	Rooms     []string // hub rooms, in no particular order
	Pending   int      // messages in its inbox, at most 64
	Lagging   bool     // the member reads from the index
	// Lag is the number of log entries between the cursor of a lagging member and the head, entries
	// of other rooms included. For a cursor of another epoch it counts from the beginning. Ids of a
	// stream have holes, so there it counts the entries that the history still has.
	Lag uint64
}

// Status returns the state of the member, all fields at the same moment. A detached member has no
// rooms.
func (m *Member) Status() Status {
	h := m.h
	m.lock()
	defer h.mu.Unlock()
	s := Status{
		Transport: m.transport, Pending: int(m.pending), Lagging: m.lagging,
		Rooms: m.rooms(func(string) bool { return true }),
	}
	switch {
	case !m.lagging:
	case h.head.Epoch == StreamEpoch:
		after := uint64(0)
		if m.cursor.Epoch == StreamEpoch {
			after = m.cursor.Seq
		}
		s.Lag = h.index.countAfter(after)
	case m.cursor.Epoch != h.head.Epoch:
		s.Lag = h.head.Seq
	case m.cursor.Seq < h.head.Seq:
		s.Lag = h.head.Seq - m.cursor.Seq
	}
	return s
}
