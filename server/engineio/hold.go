package engineio

import "bytes"

// excess is the error for a message that the handler does not want to hold.
type excess struct{ head []byte }

func (excess) Error() string { return "engineio: the session may not hold the message" }

// mayHold asks the handler whether the session may hold n more bytes of a message.
func (s *Session) mayHold(n int) bool { return s.holder == nil || s.holder.Hold(n) }

// discard reads the rest of a message from the payload after h on. It keeps the first bytes of the
// message; p[:n] are those that were read before.
func (c *wire) discard(h header, p []byte, n, limit, fragments int) error {
	head := p[:min(n, headSize)]
	for ; ; fragments++ {
		if h.n > limit-n || fragments > maxFragments {
			return errLarge
		}
		for n += h.n; h.n > 0; {
			m, err := c.part(&h, p[len(head):])
			if err != nil && h.n > 0 {
				return err
			}
			head = p[:min(len(head)+m, headSize)]
		}
		if h.fin {
			return excess{bytes.Clone(head)}
		}
		var err error
		if h, err = c.dataHeader(); err != nil {
			return err
		}
		if h.opcode != opContinuation {
			return errFrame
		}
	}
}

// messageOf returns the first message of a payload, without its packet type. It is empty if the
// payload starts with another packet.
func messageOf(payload []byte) []byte {
	p, _, _ := bytes.Cut(payload, []byte{separator})
	if len(p) == 0 || p[0] != packetMessage {
		return nil
	}
	return p[1:]
}

// exceeded passes the head of a message to the handler, unless the session has closed.
func (s *Session) exceeded(head []byte) {
	s.recv.Lock()
	defer s.recv.Unlock()
	if s.ReadyState() == "open" {
		defer s.recovered()
		s.holder.Exceeded(head)
	}
}
