package sse

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// serve opens the stream in the goroutine of the request, which is its first writer. It returns
// when the stream has taken over the connection, or otherwise when the stream has ended.
func (s *stream) serve(w http.ResponseWriter, r *http.Request, o opening) {
	setHeaders(w.Header())
	take := canTakeOver(w, r)
	if take {
		// The stream never returns the connection to net/http (RFC 9112, section 9.6).
		w.Header().Set("Connection", "close")
	}
	response := newResponse(w, r)
	s.out = response
	b, next, err := s.open(o)
	taken := take && err == nil && !next.last && s.takeOver(w)
	switch {
	case err != nil:
		s.fail(err)
		b.free()
	case next.more:
		go s.writeAll(b, next, nil)
	default:
		if !s.wrote(b, next, s.h.now()) {
			s.startWriter(1)
		}
		b.free()
	}
	if !taken {
		s.wait(r.Context(), response)
	}
}

// wait returns when a stream that net/http writes has ended.
func (s *stream) wait(ctx context.Context, response *response) {
	select {
	case <-response.done:
	case <-ctx.Done():
		s.stop(ending{reason: reasonGone, gone: true})
		<-response.done // a writer may still use the response
	}
	defer s.h.closed()
	s.cleanUp()
}

// takeOver takes over the connection after everything that net/http has written.
func (s *stream) takeOver(w http.ResponseWriter) bool {
	if isEncoded(w.Header()) {
		return false
	}
	conn, buffers, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false
	}
	s.wire = newWire(conn, buffers.Reader)
	s.out = &s.wire
	s.taken.Store(true)
	if d, ok := unwrapped[Detacher](w); ok {
		s.ended = d.Detach()
	}
	if !s.h.watcher.Watch(s.wire.fd, s) {
		go s.read()
	}
	return true
}

// read is the goroutine of a stream whose connection the watcher cannot watch. It does little, so
// that its stack stays small.
func (s *stream) read() {
	s.unreadable(s.wire.discard())
}

// look drops the bytes that the client has sent. The watcher calls it when there are some.
func (s *stream) look() {
	var err error
	s.h.watcher.Look(s.wire.fd, s, func() (again bool) {
		err = s.wire.drop()
		return err == nil
	})
	if err != nil {
		s.unreadable(err)
	}
}

// unreadable ends the stream when its connection cannot be read any more.
func (s *stream) unreadable(err error) {
	how := ending{reason: reasonGone, gone: true}
	if errors.Is(err, errTooMuch) {
		how.reason = err.Error()
	}
	s.stop(how)
	s.wire.cut()
}

// drop cuts the connection. The writer of a stream that net/http writes ends with its next write.
func (s *stream) drop(reason string) {
	s.stop(ending{reason: reason, gone: true, cut: true})
	if s.taken.Load() {
		s.wire.cut()
	}
}

// end ends the response and the connection. The writer has finished.
func (s *stream) end() {
	if s.endResponse() {
		s.wire.linger()
	}
}

// endResponse cleans up and ends the response. It reports whether the client may still read it.
func (s *stream) endResponse() (reading bool) {
	defer s.h.closed()
	defer func() {
		if v := recover(); v != nil {
			s.panicked(v)
			s.wire.abort()
		}
	}()
	s.h.watcher.Forget(s.wire.fd, s)
	s.cleanUp()
	switch how := s.how.Load(); {
	case how.gone && !how.cut:
		_ = s.wire.conn.Close()
	case how.cut || s.broken || s.wire.writeEnd() != nil:
		s.wire.abort()
	default:
		return true
	}
	return false
}

// cleanUp releases everything that the stream has acquired. It runs before the end of the response,
// so that a client that sees the end and reconnects no longer counts for the limits.
func (s *stream) cleanUp() {
	how, retry := s.how.Load(), s.retry
	if how.ordered {
		retry = neverRetry
	}
	s.h.o.Log.Debug("stream ended", zap.String("client", s.clientID),
		zap.String("reason", how.reason),
		zap.Duration("after", time.Since(s.started)), zap.Duration("retry", retry))
	s.member.Detach()
	s.h.remove(s)
	s.release()
	if s.ended != nil {
		s.ended(s.bytes.Load())
	}
}
