package engineio

import (
	"time"

	"github.com/roomcast/roomcast/server/sockets"
)

// writeSessions is the loop of one of the server's shared writers.
func (s *Server) writeSessions() {
	b := s.batch()
	var turn sockets.Turn[*Session]
	for sessions := s.writers.Next(&turn); len(sessions) > 0; sessions = s.writers.Next(&turn) {
		for _, session := range sessions {
			b = session.writeNow(b)
		}
	}
	s.putBatch(b)
}

// writeNow writes one batch, as far as the socket takes it without waiting. A goroutine of the
// session does everything that may wait: the rest, a large frame, and the end of the session.
// writeNow returns the batch for the next session.
func (s *Session) writeNow(b *Batch) (spare *Batch) {
	c := s.conn // it was set before the session was queued, and stays
	b.reset(c.format, batchSize)
	s.fill(b)
	n, rest, err := sockets.WriteNow(c.fd, b.segments())
	if err != nil {
		s.broken(c)
	}
	if len(rest) == 0 {
		s.written(WebSocket, b)
	}
	s.mu.Lock()
	if len(rest) == 0 && s.state == stateOpen {
		if s.unwritten() {
			s.mu.Unlock()
			s.server.writers.Again(s, &s.lane)
			return b
		}
		c.shared = false
		s.stopWriting()
		s.mu.Unlock()
		s.release()
		return b
	}
	c.shared = false
	s.mu.Unlock()
	go s.write(c, b, rest, n > 0)
	return s.server.batch()
}

// write is the goroutine of one session that writes to a WebSocket where it may have to wait. It
// first writes rest, the unwritten part of b; begun is true if a part of b was written. The caller
// starts it with writing set. Only this goroutine writes the close frame.
func (s *Session) write(c *wire, b *Batch, rest [][]byte, begun bool) {
	defer s.release()
	defer s.server.putBatch(b)
	for {
		if len(rest) > 0 && s.flush(c, rest, begun) {
			s.written(WebSocket, b)
		}
		s.mu.Lock()
		switch {
		case s.state == stateClosed:
			code := c.code
			s.mu.Unlock()
			c.sendClose(code)
			s.mu.Lock()
			c.finished = true
			close(c.done)
			s.stopWriting()
			s.mu.Unlock()
			return
		case s.pending.Load() || len(s.queue) > 0:
			s.mu.Unlock()
		case s.finishSource():
			s.mu.Unlock()
		case s.state == stateClosing:
			reason := s.reason
			s.mu.Unlock()
			s.end(ending{reason: reason, code: closeCodeFor(reason)})
		default:
			s.stopWriting()
			s.mu.Unlock()
			return
		}
		b.reset(c.format, batchSize)
		s.fill(b)
		rest, begun = b.segments(), false
	}
}

func closeCodeFor(reason string) int {
	if reason == ReasonShutdown {
		return closeGoingAway
	}
	return closeNormal
}

// flush writes segments: all of them with one system call, unless they are large. Each chunk has
// its own deadline, so that a large frame does not require a faster reader than a small one. begun
// is true if a part was written before. flush reports whether it wrote everything.
func (s *Session) flush(c *wire, segs [][]byte, begun bool) bool {
	for ; len(segs) > 0; begun = true {
		s.mu.Lock()
		if s.state == stateClosed {
			if begun {
				c.code = closeNone // a frame may be incomplete: nothing can follow it
			}
			s.mu.Unlock()
			return false
		}
		err := c.Conn.SetWriteDeadline(time.Now().Add(s.server.o.WriteTimeout))
		s.mu.Unlock()
		if err == nil {
			segs, err = sockets.WriteSome(c.Conn, segs)
		}
		if err != nil {
			s.broken(c)
			return false
		}
	}
	return true
}

// broken ends the session after a failed write.
func (s *Session) broken(c *wire) {
	s.mu.Lock()
	c.code = closeNone
	s.mu.Unlock()
	s.end(ending{reason: ReasonTransportError})
}

// written reports a batch to Options.Written and to those that watch it.
func (s *Session) written(transport string, b *Batch) {
	for _, f := range b.watchers {
		f(transport)
	}
	if b.n > 0 && s.server.o.Written != nil {
		s.server.o.Written(transport, b.n, b.since)
	}
}
