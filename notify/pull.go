package notify

// Delivery is the next item to write to a connection. Exactly one field is set.
type Delivery struct {
	Message  *Message
	Gap      *Gap
	Recovery *Recovery
	Retained *Handout
}

// Recovery ends the replay of a resumed member, which then has all messages. Its id is To.
type Recovery struct {
	Recovered bool   `json:"recovered"` // there was no gap
	Replayed  int    `json:"replayed"`  // messages
	From      string `json:"from"`      // the cursor, "" when it was not an id
	To        string `json:"to"`
}

// pullBytes is how much memory the messages of one Pull take, except for a single larger one. A
// connection that does not read keeps them, although the history may have dropped them.
const pullBytes = 64 << 10

// Pull moves the next deliveries into buf, in the order in which to write them, and returns their
// number. It returns fewer than fit if they are large; more is true if there are others. After a
// Wake, pull until more is false: until then there is no other Wake. A connection that cannot write
// stops pulling, at no cost, and later continues from the history, as far as that goes back. Only
// one goroutine at a time may call Pull, the one that writes.
func (m *Member) Pull(buf []Delivery) (n int, more bool) {
	h := m.h
	m.lock()
	defer h.mu.Unlock()
	bytes, owes := int64(0), false
	if !m.lagging {
		n, bytes, owes = h.handOut(m, buf, 0)
	}
	for m.lagging && n == 0 && len(buf) > 0 {
		// It may read nothing and have moved on, when the archive has nothing for the member.
		n, bytes = h.readIndex(m, buf)
	}
	for !owes && n < len(buf) && m.pending > 0 && bytes < pullBytes {
		msg := m.take()
		m.cursor = msg.ID
		buf[n] = Delivery{Message: msg}
		n++
		bytes += msg.cost
	}
	return n, m.lagging || m.pending > 0 || h.owes(m)
}

// Cursor returns the position after everything that the member has pulled: the id of the last
// message or, when nothing is pending, the head, so that the cursor of an idle client stays inside
// the history. A reply or volatile frame with this cursor must be written after the pulled
// messages. Cursor returns the zero ID before the first Pull of a member whose cursor was invalid.
func (m *Member) Cursor() ID {
	m.lock()
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
