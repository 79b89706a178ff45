package engineio

import (
	"errors"
	"time"
)

// errParked is the error of receive when there is nothing to read yet.
var errParked = errors.New("engineio: nothing to read")

// park lets the watcher wait for the next bytes and ends the reader. It returns false if the reader
// must continue: when bytes have already arrived, when there is no descriptor to watch, and for the
// client's close frame after the session has closed.
func (s *Session) park(c *wire) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.r < c.w || s.state == stateClosed || !s.server.watcher.Watch(c.fd, s) {
		return false
	}
	c.free() // before the next reader starts, which needs mu
	c.parked = true
	return true
}

// startReading starts the first reader, or lets the watcher start it.
func (s *Session) startReading(c *wire) {
	if !s.park(c) {
		s.hold()
		go s.read(c)
	}
}

// resume starts the reader of a parked WebSocket.
func (s *Session) resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.conn.resume()
	}
}

// resume is Session.resume. The caller holds session.mu.
func (c *wire) resume() {
	if c.parked {
		c.parked = false
		c.session.hold()
		go c.session.read(c)
	}
}

// busy counts a message. It reports whether the client sends so many that it is cheaper to keep one
// reader than to start one for each. The reader stays until the answer to the next ping. The reader
// of a client that the handler holds back does not stay: its next message is not due at once.
func (c *wire) busy() bool {
	received := c.session.received.Load()
	if now := received / int64(time.Second); now != c.second {
		c.second, c.messages = now, 0
	}
	c.messages++
	return c.messages > maxParked && int64(time.Since(c.session.server.started))-received < int64(heldBack)
}
