package engineio

import "time"

// startHeartbeat begins to send pings (protocol section "Heartbeat"). One timer serves for the next ping and
// for the pong of the last one; there is no goroutine while nothing is due.
func (s *Session) startHeartbeat(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateClosed {
		return
	}
	s.nextPing = now.Add(s.server.o.PingInterval)
	s.timer = time.AfterFunc(s.server.o.PingInterval, s.beat)
}

// beat does what is due. Pings keep to multiples of the interval since the handshake, so they do not drift; one
// that comes due while a pong is outstanding is left out.
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
			// The deadline stands before the ping can be on the wire: a pong never finds it missing. It counts
			// from when the ping was due, unless the process itself is far behind.
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

// pong takes the answer to a ping. It reports whether one was due; others mean nothing.
func (s *Session) pong() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := !s.deadline.IsZero()
	s.deadline = time.Time{}
	return due
}

// overdue reports whether a pong is overdue. While the handler holds the reader back, the pong may lie unread
// behind its message: that time is not the client's, which gets a new deadline.
func (s *Session) overdue(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpen || s.deadline.IsZero() || now.Before(s.deadline) {
		return false
	}
	if s.delivering.Load() {
		s.deadline = now.Add(s.server.o.PingTimeout)
		return false
	}
	return true
}
