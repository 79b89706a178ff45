package engineio

import (
	"errors"
	"net/http"
	"time"
)

// upgrade handles a WebSocket for a polling session (protocol section "Upgrade"). A WebSocket that
// the session cannot use is accepted and closed, because clients see that better than a failed
// handshake.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request, session *Session) {
	session.pace(perUpgrade, r.Context().Done())
	c, err := s.hijack(w, r, session)
	if err != nil {
		return // hijack has answered
	}
	session.mu.Lock()
	if session.state == stateClosed || session.conn != nil || session.candidate != nil {
		session.mu.Unlock()
		c.reject(closePolicy)
		return
	}
	session.candidate = c
	session.hold()
	session.mu.Unlock()
	go session.probe(c)
}

// probe waits for PING "probe" and UPGRADE, then becomes the session's reader. Polling continues
// meanwhile, and afterwards if these packets do not arrive in time.
func (s *Session) probe(c *wire) {
	defer s.release()
	if s.negotiate(c) {
		s.startReading(c)
		return
	}
	s.mu.Lock()
	if s.candidate == c {
		s.candidate, s.probed = nil, false
	}
	s.mu.Unlock()
	c.reject(closePolicy)
}

func (s *Session) negotiate(c *wire) bool {
	if err := c.Conn.SetReadDeadline(time.Now().Add(s.server.o.UpgradeTimeout)); err != nil {
		return false
	}
	if !c.expect(string(packetPing) + "probe") {
		return false
	}
	if err := c.writeFrame(opText, []byte(string(packetPong)+"probe")); err != nil {
		return false
	}
	s.mu.Lock()
	ok := s.candidate == c
	s.probed = ok
	if ok && s.waiting != nil {
		s.waiting.nudge()
	}
	s.mu.Unlock()
	return ok && s.awaitUpgrade(c) && c.expect(string(packetUpgrade)) && s.move(c)
}

// awaitUpgrade waits until the client has sent more. The client sends UPGRADE after the answer to a
// POST in progress, which the handler may delay, so that time does not count: the client has the
// whole timeout after the answer.
func (s *Session) awaitUpgrade(c *wire) bool {
	for {
		posting := s.isPosting()
		err := c.fill(1)
		if err == nil {
			return true
		}
		var timeout interface{ Timeout() bool }
		if !errors.As(err, &timeout) || !timeout.Timeout() || !posting && !s.isPosting() {
			return false
		}
		if c.Conn.SetReadDeadline(time.Now().Add(s.server.o.UpgradeTimeout)) != nil {
			return false
		}
	}
}

func (s *Session) isPosting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.posting != nil
}

// expect reads one message and compares it with want.
func (c *wire) expect(want string) bool {
	h, err := c.dataHeader()
	if err != nil || h.opcode != opText {
		return false
	}
	got, err := c.message(h, make([]byte, len(want)), len(want))
	return err == nil && string(got) == want
}

// move makes c the session's transport. A GET that is being answered stays the writer until it has
// written its batch; then the WebSocket writes. move waits for a POST in progress, whose messages
// come first.
func (s *Session) move(c *wire) bool {
	s.mu.Lock()
	if s.candidate != c || s.state == stateClosed {
		s.mu.Unlock()
		return false
	}
	if err := c.Conn.SetReadDeadline(time.Time{}); err != nil {
		s.mu.Unlock()
		return false
	}
	s.candidate, s.probed = nil, false
	s.conn, c.live = c, true
	if s.waiting != nil {
		s.waiting.nudge()
	}
	posting := s.posting
	s.kick()
	s.mu.Unlock()
	if posting != nil {
		<-posting // bounded by ReadTimeout and the handler
	}
	return true
}
