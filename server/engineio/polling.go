package engineio

import (
	"net/http"
	"strconv"
	"time"
)

// poll is a GET that waits for something to send.
type poll struct {
	wake chan struct{} // of one element
	late bool          // it came after the probe of an upgrade was answered
}

func (p *poll) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// get answers a GET of a polling session (protocol section "Receiving data").
func (s *Session) get(w http.ResponseWriter, r *http.Request) {
	p, ok := s.startPoll(w)
	if !ok {
		return
	}
	b := s.server.batch()
	defer s.server.putBatch(b)
	// A GET ends before the client would miss a ping, also when a late pong has put the pings off.
	hold := time.NewTimer(s.server.o.PingInterval + s.server.o.PingTimeout/2)
	defer hold.Stop()
	var grace <-chan time.Time
	if p.late {
		// The UPGRADE packet may be on its way already, on the other connection: then this GET is too late.
		t := time.NewTimer(noopDelay)
		defer t.Stop()
		grace = t.C
	}
	for expired := false; ; {
		if s.answer(w, p, b, expired) {
			return
		}
		select {
		case <-p.wake:
		case <-grace:
			expired = true
		case <-hold.C:
			expired = true
		case <-r.Context().Done():
			s.cancelled(p)
			return
		}
	}
}

// startPoll makes this GET the one that waits, or answers it.
func (s *Session) startPoll(w http.ResponseWriter) (*poll, bool) {
	s.mu.Lock()
	switch {
	case s.linger:
		s.linger = false
		s.mu.Unlock()
		s.server.forget(s)
		_ = s.respond(w, []byte{s.farewell}) // nothing is left to be closed
	case s.state == stateClosed:
		s.mu.Unlock()
		errSession.write(w)
	case s.conn != nil:
		s.mu.Unlock()
		errRequest.write(w)
	case s.waiting != nil:
		s.mu.Unlock()
		s.end(ending{reason: ReasonTransportError})
		errRequest.write(w)
	default:
		p := &poll{wake: make(chan struct{}, 1), late: s.probed}
		s.waiting = p
		s.mu.Unlock()
		return p, true
	}
	return nil, false
}

// cancelled ends the session whose waiting GET was given up: what is sent to such a client is lost without a
// trace. After an upgrade nothing depends on the GET.
func (s *Session) cancelled(p *poll) {
	s.mu.Lock()
	polling := s.conn == nil && s.waiting == p
	s.unwait(p)
	s.mu.Unlock()
	if polling {
		s.end(ending{reason: ReasonTransportError})
	}
}

func (s *Session) unwait(p *poll) {
	if s.waiting == p {
		s.waiting = nil
	}
}

// answer answers the GET if there is an answer. It stops waiting before the first byte is written: the client
// may have its next GET here before this goroutine runs again.
func (s *Session) answer(w http.ResponseWriter, p *poll, b *Batch, expired bool) bool {
	s.mu.Lock()
	for !s.writing && s.conn == nil && (s.state == stateOpen || s.state == stateClosing) &&
		(s.pending.Load() || len(s.queue) > 0) {
		s.writing = true
		s.mu.Unlock()
		b.reset(true, payloadSize)
		s.fill(b)
		s.mu.Lock()
		if b.n > 0 {
			s.unwait(p)
			s.mu.Unlock()
			if err := s.respond(w, b.segments()...); err != nil {
				s.end(ending{reason: ReasonTransportError})
			} else {
				s.written(Polling, b)
			}
			s.mu.Lock()
			s.putDown()
			s.mu.Unlock()
			return true
		}
		s.putDown()
	}
	packet := byte(packetNoop)
	reason := s.reason
	closing := s.state == stateClosing && !s.writing && s.conn == nil
	switch {
	case s.state == stateClosed:
		packet = s.farewell
	case closing:
		packet = packetClose // never in one payload with data, which clients would drop
	case s.conn != nil && p.late:
		packet = 0
	case s.conn != nil, s.probed && !p.late, expired:
	default:
		s.mu.Unlock()
		return false
	}
	s.unwait(p)
	s.mu.Unlock()
	if closing {
		s.end(ending{reason: reason})
	}
	if packet == 0 {
		errRequest.write(w)
	} else if err := s.respond(w, []byte{packet}); err != nil {
		s.end(ending{reason: ReasonTransportError})
	}
	return true
}

// respond writes a payload with a deadline of its own.
func (s *Session) respond(w http.ResponseWriter, segs ...[]byte) error {
	n := 0
	for _, p := range segs {
		n += len(p)
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("Content-Length", strconv.Itoa(n))
	noStore(h)
	rc := http.NewResponseController(w)
	_ = rc.SetWriteDeadline(time.Now().Add(s.server.o.WriteTimeout)) // a writer without deadlines has its own
	for _, p := range segs {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	if err := flushed(rc.Flush()); err != nil {
		return err
	}
	_ = rc.SetWriteDeadline(time.Time{})
	return nil
}
