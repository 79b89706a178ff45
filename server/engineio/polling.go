package engineio

import (
	"net/http"
	"strconv"
	"time"

	"github.com/roomcast/roomcast/server/sockets"
)

// poll is a waiting GET.
type poll struct {
	wake chan struct{} // has room for one element
	late bool          // it arrived after the probe of an upgrade was answered
}

func (p *poll) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// get answers a GET of a polling session (protocol section "Receiving data").
func (s *Session) get(w http.ResponseWriter, r *http.Request) {
	p, ok := s.startPoll(w, r)
	if !ok {
		return
	}
	s.pace(perRequest, r.Context().Done())
	b := s.server.batch()
	defer s.server.putBatch(b)
	// A GET ends before the client would miss a ping, even when a late pong has delayed the pings.
	hold := time.NewTimer(s.server.o.PingInterval + s.server.o.PingTimeout/2)
	defer hold.Stop()
	var grace <-chan time.Time
	if p.late {
		// The UPGRADE packet may already be on its way on the other connection: then this GET is
		// too late.
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

// startPoll makes this GET the waiting one, or answers it at once.
func (s *Session) startPoll(w http.ResponseWriter, r *http.Request) (*poll, bool) {
	s.mu.Lock()
	switch {
	case s.linger:
		s.linger = false
		s.mu.Unlock()
		s.server.forget(s)
		_ = s.respond(w, []byte{s.lastPacket}) // the session is already closed
	case s.state == stateClosed:
		s.mu.Unlock()
		s.server.refuse(w, r, errSession)
	case s.conn != nil:
		s.mu.Unlock()
		s.server.refuse(w, r, errRequest)
	case s.waiting != nil:
		s.mu.Unlock()
		s.end(ending{reason: ReasonTransportError})
		s.server.refuse(w, r, errRequest)
	default:
		p := &poll{wake: make(chan struct{}, 1), late: s.probed}
		s.waiting = p
		s.mu.Unlock()
		return p, true
	}
	return nil, false
}

// cancelled ends the session whose waiting GET the client has cancelled: messages sent to such a
// client would be lost unnoticed. After an upgrade the GET does not matter.
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

// answer answers the GET if there is something to send. The GET stops waiting before the first byte
// is written, because the client's next GET may arrive before this goroutine runs again.
func (s *Session) answer(w http.ResponseWriter, p *poll, b *Batch, expired bool) bool {
	s.mu.Lock()
	for !s.writing && s.conn == nil && (s.state == stateOpen || s.state == stateClosing) &&
		(s.pending.Load() || len(s.queue) > 0 || s.unfinished()) {
		s.writing = true
		if !s.pending.Load() && len(s.queue) == 0 {
			s.finishSource()
		}
		s.mu.Unlock()
		b.reset(formatPayload, payloadSize)
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
			s.stopWriting()
			s.mu.Unlock()
			return true
		}
		s.stopWriting()
	}
	packet := byte(packetNoop)
	reason := s.reason
	closing := s.state == stateClosing && !s.writing && s.conn == nil
	switch {
	case s.state == stateClosed:
		packet = s.lastPacket
	case closing:
		packet = packetClose // in its own payload: clients drop data next to it
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

// respond writes a payload.
func (s *Session) respond(w http.ResponseWriter, segs ...[]byte) error {
	n := 0
	for _, p := range segs {
		n += len(p)
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("Content-Length", strconv.Itoa(n))
	noStore(h)
	if err := sockets.WriteResponse(w, segs, s.server.o.WriteTimeout); err != nil {
		return err
	}
	rc := http.NewResponseController(w)
	if err := flushed(rc.Flush()); err != nil {
		return err
	}
	_ = rc.SetWriteDeadline(time.Time{})
	return nil
}
