package engineio

import (
	"time"

	"github.com/roomcast/roomcast/server/sockets"
)

// startHeartbeat starts the pings (protocol section "Heartbeat"). One timer serves both the next
// ping and the pong of the last one, so that no goroutine waits.
func (s *Session) startHeartbeat(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateClosed {
		return
	}
	s.nextPing = now.Add(s.server.o.PingInterval)
	s.timer = time.AfterFunc(s.server.o.PingInterval, s.beat)
}

// beat sends the ping or ends the session, whichever is due. Pings are due at multiples of the
// interval since the handshake, so they do not drift. A ping that is due while a pong is
// outstanding is skipped.
func (s *Session) beat() {
	now := time.Now()
	if s.overdue(now) {
		s.end(ending{reason: ReasonPingTimeout, code: closeNormal})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpen {
		return
	}
	if !now.Before(s.nextPing) {
		late := now.Sub(s.nextPing)
		if s.deadline.IsZero() {
			// The deadline is set before the ping can be written, so that a fast pong finds it. It
			// counts from the time when the ping was due, unless the process itself is late.
			s.deadline = s.nextPing.Add(s.server.o.PingTimeout)
			if late > s.server.o.PingTimeout/2 {
				s.deadline = now.Add(s.server.o.PingTimeout)
			}
			s.queue = append(s.queue, packet{kind: packetPing})
			s.queued += packetCost
			s.kick()
		}
		s.nextPing = s.nextPing.Add((late/s.server.o.PingInterval + 1) * s.server.o.PingInterval)
	}
	next := s.nextPing
	if !s.deadline.IsZero() && s.deadline.Before(next) {
		next = s.deadline
	}
	s.timer.Reset(next.Sub(now))
}

// pong handles the answer to a ping. It reports whether one was outstanding, and ignores any other
// pong.
func (s *Session) pong() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := !s.deadline.IsZero()
	s.deadline = time.Time{}
	return due
}

// overdue reports whether a pong is overdue. While the handler blocks the reader, the pong may be
// unread behind its message, or wait in the client until its POST is answered: the client is not
// late then, and gets a new deadline.
func (s *Session) overdue(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpen || s.deadline.IsZero() || now.Before(s.deadline) {
		return false
	}
	if s.delivering.Load() || s.posting != nil || s.conn != nil && sockets.Pending(s.conn.peek) {
		s.deadline = now.Add(s.server.o.PingTimeout)
		return false
	}
	return true
}
