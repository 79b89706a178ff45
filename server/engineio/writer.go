package engineio

import (
	"net"
	"time"
)

// write is the goroutine that writes to a WebSocket while there is something to write. It is
// started with writing set, and it is the only one that writes the close frame.
func (s *Session) write(c *wire) {
	defer s.release()
	b := s.server.batch()
	defer s.server.putBatch(b)
	for {
		b.reset(false, batchSize)
		s.fill(b)
		if b.n > 0 && s.flush(c, b.segments()) {
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
		case s.state == stateClosing:
			reason := s.reason
			s.mu.Unlock()
			s.end(ending{reason: reason, code: closeCodeFor(reason)})
		default:
			s.stopWriting()
			s.mu.Unlock()
			return
		}
	}
}

func closeCodeFor(reason string) int {
	if reason == ReasonShutdown {
		return closeGoingAway
	}
	return closeNormal
}

// flush writes segments: all of them with one system call, unless they are large. Each chunk has
// its own deadline, so that a large frame does not require a faster reader than a small one. flush
// reports whether everything was written.
func (s *Session) flush(c *wire, segs [][]byte) bool {
	for first := true; len(segs) > 0; first = false {
		s.mu.Lock()
		if s.state == stateClosed {
			if !first {
				c.code = closeNone // a frame may be incomplete: nothing can follow it
			}
			s.mu.Unlock()
			return false
		}
		err := c.Conn.SetWriteDeadline(time.Now().Add(s.server.o.WriteTimeout))
		s.mu.Unlock()
		if err == nil {
			segs, err = writeSome(c.Conn, segs)
		}
		if err != nil {
			s.mu.Lock()
			c.code = closeNone
			s.mu.Unlock()
			s.end(ending{reason: ReasonTransportError})
			return false
		}
	}
	return true
}

// written reports a batch to Options.Written.
func (s *Session) written(transport string, b *Batch) {
	if s.server.o.Written != nil {
		s.server.o.Written(transport, b.n, b.since)
	}
}

// writeSome writes up to writeChunk bytes and returns the rest.
func writeSome(conn net.Conn, segs [][]byte) ([][]byte, error) {
	if len(segs) == 1 && len(segs[0]) <= writeChunk {
		_, err := conn.Write(segs[0])
		return nil, err
	}
	var bufs net.Buffers
	for room := writeChunk; len(segs) > 0 && room > 0; {
		p := segs[0]
		if len(p) > room {
			segs[0], p = p[room:], p[:room]
		} else {
			segs = segs[1:]
		}
		bufs = append(bufs, p)
		room -= len(p)
	}
	_, err := bufs.WriteTo(conn)
	return segs, err
}
