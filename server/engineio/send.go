package engineio

import (
	"bytes"
	"unicode/utf8"
)

// packet is an entry of a session's own queue.
type packet struct {
	kind  byte // packet type; 0 for a frame; opPong for a WebSocket pong
	data  []byte
	frame *Frame
}

// packetCost is added to the bytes of each queued packet, so that the number of empty ones is
// bounded too.
const packetCost = 64

func (p *packet) cost() int {
	if p.frame != nil {
		return packetCost + p.frame.Size()
	}
	return packetCost + len(p.data)
}

// SetSource sets the source of the session's messages and wakes the session.
func (s *Session) SetSource(src Source) {
	s.mu.Lock()
	if s.state != stateClosed {
		s.source = src
	}
	s.mu.Unlock()
	s.Wake()
}

// Wake tells the session that its source has messages. On WebSocket it starts the writer if none is
// running; on polling it ends the waiting GET.
func (s *Session) Wake() { s.WakeFor(1) }

// WakeFor is Wake for a message that goes to this number of sessions. A session whose message goes
// to few does not wait for a writer behind thousands whose message goes to all of them.
func (s *Session) WakeFor(audience int) {
	if s.pending.Swap(true) && !s.lane.Advances(audience) {
		return // the running writer or the next GET will pull
	}
	s.mu.Lock()
	s.kickFor(audience)
	s.mu.Unlock()
}

// Send queues a copy of data as one message. It is for replies and for servers without a Source.
// The queue is bounded to 64 KiB, but an empty queue accepts one message of any size. Errors:
// ErrText, ErrClosed, ErrOverflow (which closes the session).
func (s *Session) Send(data []byte, binary bool) error {
	kind := byte(packetBinary)
	if !binary {
		kind = packetMessage
		if !utf8.Valid(data) || bytes.IndexByte(data, separator) >= 0 {
			return ErrText
		}
	}
	return s.enqueue(packet{kind: kind, data: bytes.Clone(data)})
}

// SendFrame queues a frame like Send. Its text and attachments stay together.
func (s *Session) SendFrame(f *Frame) error { return s.enqueue(packet{frame: f}) }

func (s *Session) enqueue(p packet) error {
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return ErrClosed
	}
	if len(s.queue) > 0 && s.queued+p.cost() > maxQueue {
		s.mu.Unlock()
		s.end(ending{reason: ReasonTransportError, code: closePolicy})
		return ErrOverflow
	}
	s.queue = append(s.queue, p)
	s.queued += p.cost()
	s.kick()
	s.mu.Unlock()
	return nil
}

// take moves the session's own queue into b. The caller holds mu and is the writer.
func (s *Session) take(b *Batch) {
	for _, p := range s.queue {
		switch {
		case p.frame != nil:
			b.Frame(p.frame)
		case p.kind == opPong:
			if b.format != formatPayload {
				b.control(opPong, p.data)
			}
		case p.kind == packetBinary:
			b.Binary(p.data)
		default:
			b.packet(p.kind, p.data)
		}
	}
	s.queue, s.queued = nil, 0
}

// fill moves the next messages into b: the session's own packets, then those of the source. The
// caller is the writer and does not hold mu.
func (s *Session) fill(b *Batch) {
	s.mu.Lock()
	s.pending.Store(false)
	s.take(b)
	src := s.source
	s.mu.Unlock()
	if src == nil || b.Full() {
		s.again(src != nil)
		return
	}
	// Without this the writer would pull a source that returns true without a message for ever.
	more := s.pull(src, b)
	s.again(more && b.n > 0)
}

// pull calls the source. A panic ends this session only.
func (s *Session) pull(src Source, b *Batch) (more bool) {
	defer s.recovered()
	return src.Pull(b)
}

func (s *Session) again(more bool) {
	if more {
		s.pending.Store(true)
	}
}

// kick is kickFor for something that goes to this session alone.
func (s *Session) kick() { s.kickFor(1) }

// kickFor starts a writer if there is something to write and none is running. The caller holds mu.
func (s *Session) kickFor(audience int) {
	switch {
	case s.writing: // the running writer checks again before it stops
		s.server.writers.Advance(&s.lane, audience)
	case !s.unwritten():
	case s.conn != nil:
		s.startWriter(s.conn, audience)
	case s.waiting != nil:
		s.waiting.nudge()
	}
}

// startWriter starts the writer of a WebSocket: a shared one, or a goroutine of this session for
// the end of the session and for a connection that is more than a socket. The caller holds mu.
func (s *Session) startWriter(c *wire, audience int) {
	s.writing = true
	s.hold()
	c.shared = c.fd >= 0 && s.state != stateClosed
	if c.shared {
		s.server.writers.Add(s, &s.lane, audience)
		return
	}
	go s.write(c, s.server.batch(), nil, false)
}

// unwritten reports whether there may be something to write. The caller holds mu.
func (s *Session) unwritten() bool {
	if s.state == stateClosed {
		return s.conn != nil && !s.conn.finished || s.waiting != nil
	}
	return s.pending.Load() || len(s.queue) > 0 || s.state == stateClosing
}

// stopWriting ends the caller's time as the writer. The caller holds mu.
func (s *Session) stopWriting() {
	s.writing = false
	s.kick()
}
