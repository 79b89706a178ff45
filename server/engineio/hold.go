package engineio

import "bytes"

// excess is the error for a message that the handler does not want to hold.
type excess struct{ head []byte }

func (excess) Error() string { return "engineio: the session may not hold the message" }

// mayHold asks the handler whether the session may hold n more bytes of a message.
func (s *Session) mayHold(n int) bool { return s.holder == nil || s.holder.Hold(n) }

// discard reads the rest of a message from the payload after h on, and keeps head, its first bytes.
// n bytes were read before. p is for what is read; whatever larger buffer the message had is free.
func (c *wire) discard(h header, head, p []byte, n, limit, fragments int) error {
	head = append(make([]byte, 0, headSize), head[:min(len(head), headSize)]...)
	if err := c.complete(nil); err != nil {
		return err
	}
	for ; ; fragments++ {
		if h.n > limit-n || fragments > maxFragments {
			return errLarge
		}
		for n += h.n; h.n > 0; {
			m, err := c.part(&h, p)
			if err != nil && h.n > 0 {
				return err
			}
			head = append(head, p[:min(m, headSize-len(head))]...)
		}
		if h.fin {
			return excess{head}
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
