package engineio

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"
)

// post handles the packets of a POST (protocol section "Sending data"). It answers after the
// handler has taken all of them, which is the back-pressure on the client.
func (s *Session) post(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	switch {
	case s.state == stateClosed:
		s.mu.Unlock()
		s.server.refuse(w, r, errSession)
		return
	case s.conn != nil:
		s.mu.Unlock()
		s.server.refuse(w, r, errRequest)
		return
	case s.posting != nil:
		s.mu.Unlock()
		s.end(ending{reason: ReasonTransportError})
		s.server.refuse(w, r, errRequest)
		return
	}
	done := make(chan struct{})
	s.posting = done
	s.mu.Unlock()

	refused := s.receivePost(w, r)

	// Before the answer, because the client's next POST may arrive before this goroutine runs
	// again.
	s.mu.Lock()
	s.posting = nil
	s.mu.Unlock()
	close(done)

	if refused != nil {
		w.Header().Set("Connection", "close") // the server does not read the rest of the body
		s.server.refuse(w, r, *refused)
		return
	}
	if err := s.respond(w, []byte("ok")); err != nil {
		s.end(ending{reason: ReasonTransportError})
	}
}

// receivePost reads the body and delivers all of its packets, or none if one is invalid. Over its
// rate the client waits here.
func (s *Session) receivePost(w http.ResponseWriter, r *http.Request) *refusal {
	if _, err := s.spend(perRequest); err != nil {
		return s.overPost()
	}
	scratch := s.server.scratch.Get().(*[]byte)
	defer s.server.scratch.Put(scratch)
	body, refused := s.body(w, r, *scratch)
	var large excess
	switch {
	case errors.As(refused, &large):
		s.exceeded(messageOf(large.head))
		return nil
	case refused != nil:
		s.end(ending{reason: ReasonTransportError})
		f := refused.(refusal)
		return &f
	case !validPayload(body):
		s.end(ending{reason: ReasonParseError})
		return &errRequest
	}
	rest := bytes.Count(body, []byte{separator})
	if _, err := s.spend(len(body) + (rest+1)*perFrame); err != nil {
		return s.overPost()
	}
	for kind, data := range packets(body) {
		s.setRest(rest > 0)
		rest--
		switch kind {
		case packetMessage:
			s.deliver(bytes.Clone(data), false)
		case packetBinary:
			s.deliver(decodeBinary(data), true)
		case packetPong:
			if !s.pong() && s.stray() != nil {
				return s.overPost()
			}
		case packetNoop:
			if s.stray() != nil {
				return s.overPost()
			}
		case packetClose:
			s.end(ending{reason: ReasonTransportClose, asked: true})
			return nil
		}
	}
	return nil
}

// overPost ends the session of a client that is over its rate.
func (s *Session) overPost() *refusal {
	s.end(ending(errOver))
	return &errRequest
}

func (s *Session) setRest(rest bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = rest
}

// body reads the body, at most MaxPayload bytes in at most ReadTimeout. After an error the deadline
// stays, so that net/http does not wait for the rest of the body.
func (s *Session) body(w http.ResponseWriter, r *http.Request, p []byte) ([]byte, error) {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media == "application/octet-stream" {
		return nil, errRequest // binary messages are base64 in version 4
	}
	limit := s.server.o.MaxPayload
	if r.ContentLength > int64(limit) {
		return nil, errLargeBody
	}
	held := max(0, int(r.ContentLength))
	hold := s.mayHold(held)
	rc := http.NewResponseController(w)
	// It fails for a reader without deadlines.
	_ = rc.SetReadDeadline(time.Now().Add(s.server.o.ReadTimeout))
	var in postInput
	defer in.end()
	for n, size := 0, 0; ; {
		if size > limit {
			return nil, errLargeBody
		}
		if n == len(p) {
			var err error
			if p, err = in.larger(s.server, rc, p, min(2*len(p), max(limit, n)+1)); err != nil {
				return nil, err
			}
		}
		m, err := r.Body.Read(p[n:])
		size += m
		if hold && size > held { // it had no length
			hold, held = s.mayHold(m), size
		}
		if hold || n < headSize {
			n += m
		}
		switch {
		case err != nil && in.end():
			return nil, errCrowdedBody
		case err == io.EOF && size <= limit:
			_ = rc.SetReadDeadline(time.Time{})
			if !hold {
				return nil, excess{p[:min(n, headSize)]}
			}
			return p[:n], nil
		case err == io.EOF:
		case err != nil:
			var timeout interface{ Timeout() bool }
			if errors.As(err, &timeout) && timeout.Timeout() {
				return nil, errSlowBody
			}
			return nil, errRequest
		}
	}
}

// flushed ignores the error of a ResponseWriter that cannot flush: it has no buffer, or flushes
// when the handler returns.
func flushed(err error) error {
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}
