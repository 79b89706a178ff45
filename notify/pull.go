package notify

// Delivery is the next thing to write to a connection: exactly one field is set.
type Delivery struct {
	Message  *Message
	Gap      *Gap
	Recovery *Recovery
}

// Recovery ends the replay of a resumed member: it has everything now. Its id is To.
type Recovery struct {
	Recovered bool   `json:"recovered"` // no gap
	Replayed  int    `json:"replayed"`  // messages
	From      string `json:"from"`      // the cursor, "" when it was no id
	To        string `json:"to"`
}

// Pull moves the next deliveries into buf, in the order of the wire, and returns how many. After a Wake pull until
// fewer come than fit: there is no other Wake while something is left. A connection that cannot write just stops pulling; it costs
// nothing and reads on later from history, as far as that goes back. Pull is for one goroutine at a time, the one
// that writes.
func (m *Member) Pull(buf []Delivery) int {
	h := m.h
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	if m.lagging {
		n = h.readIndex(m, buf)
	}
	for ; n < len(buf) && m.pending > 0; n++ {
		msg := m.take()
		m.cursor = msg.ID
		buf[n] = Delivery{Message: msg}
	}
	return n
}

// Cursor returns the place of the member on the wire, behind everything that it has pulled: the id of the last
// message or, when nothing is pending, the head, so that an idle client's cursor stays inside the history. A
// reply or volatile frame that carries it must be written after what was pulled. It is the zero ID until the
// first Pull of a member whose cursor was invalid.
func (m *Member) Cursor() ID {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	m.settle()
	return m.cursor
}

// settle moves the cursor of a member with nothing pending to the head.
func (m *Member) settle() {
	if !m.lagging && m.pending == 0 && !m.detached {
		m.cursor = m.h.head
	}
}
