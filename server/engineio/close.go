package engineio

import (
	"log/slog"
	"runtime/debug"
	"time"
)

// Close codes of RFC 6455 section 7.4.1. closeNone ends a WebSocket without a close frame.
const (
	closeNone       = 0
	closeNormal     = 1000
	closeGoingAway  = 1001
	closeProtocol   = 1002
	closeNoStatus   = 1005
	closeInvalid    = 1007
	closePolicy     = 1008
	closeTooBig     = 1009
	closeUnexpected = 1011
	closeTryAgain   = 1013
)

// ending is how a session ends.
type ending struct {
	reason string
	code   int  // WebSocket close code; closeNone: the connection is unusable
	asked  bool // by a CLOSE packet of the client: its GET is answered with NOOP
}

// Close closes the session. It first writes the queue, for at most five seconds, then a CLOSE
// packet in a payload of its own (polling) or a close frame (WebSocket), then closes the transport.
// The handler gets no more messages; its Close gets the reason.
func (s *Session) Close(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpen {
		return
	}
	s.state, s.reason = stateClosing, reason
	// A client that has not read by then is disconnected; it would not get a close frame either.
	// The queue may hold its DISCONNECT, without which it would reconnect.
	wait := closeTimeout
	if s.pending.Load() || len(s.queue) > 0 {
		wait = drainTimeout
	}
	s.closer = time.AfterFunc(wait, func() { s.end(ending{reason: reason}) })
	s.kick()
}

// finishSource calls Finish of the source of a closing session until it has returned true. It
// reports whether the source must be pulled again. The caller holds mu, which finishSource unlocks
// for the call, and is the writer.
func (s *Session) finishSource() bool {
	if !s.unfinished() {
		return false
	}
	source := s.source.(Finisher)
	s.mu.Unlock()
	done := s.finishing(source)
	s.mu.Lock()
	s.finished = done
	s.pending.Store(true)
	return true
}

// unfinished reports whether finishSource would call the source. The caller holds mu.
func (s *Session) unfinished() bool {
	_, ok := s.source.(Finisher)
	return ok && !s.finished && s.state == stateClosing
}

// finishing calls the source. A panic ends this session only.
func (s *Session) finishing(source Finisher) (done bool) {
	defer s.recovered()
	return source.Finish()
}

// Abort closes the session like Close, without its queue: for a client that reads from another
// session already.
func (s *Session) Abort(reason string) { s.end(ending{reason: reason, code: closeNormal}) }

// end closes the session at once. Any goroutine may call it, without locks; only the first call has
// an effect.
func (s *Session) end(e ending) {
	s.mu.Lock()
	if s.state == stateClosed {
		s.mu.Unlock()
		return
	}
	s.state, s.reason = stateClosed, e.reason
	s.queue, s.queued, s.source = nil, 0, nil
	for _, t := range []*time.Timer{s.timer, s.closer} {
		if t != nil {
			t.Stop()
		}
	}
	if s.candidate != nil {
		_ = s.candidate.Conn.Close() // this ends its goroutine
		s.candidate, s.probed = nil, false
	}
	s.lastPacket = packetClose
	if e.asked {
		s.lastPacket = packetNoop
		// A GET that the client sent together with the CLOSE may arrive after it and is still
		// answered.
		s.linger = s.conn == nil && s.waiting == nil && !s.writing
	}
	if s.conn != nil {
		s.conn.stop(e.code)
	}
	s.kick()
	transport, linger := s.transport(), s.linger
	s.hold() // for finish
	s.mu.Unlock()

	s.cancel()
	s.server.open.Add(-1)
	if linger {
		time.AfterFunc(closeTimeout, func() { s.server.forget(s) })
	} else {
		s.server.forget(s)
	}
	s.server.o.Logger.Debug("engine.io session closed", slog.String("reason", e.reason),
		slog.String("transport", transport), slog.String("remote", s.RemoteAddr()))
	go s.finish(e.reason)
	s.release()
}

// finish calls the handler's Close after a running Message has returned.
func (s *Session) finish(reason string) {
	defer s.release()
	s.recv.Lock()
	defer s.recv.Unlock()
	if s.handler != nil {
		defer s.recovered()
		s.handler.Close(reason)
	}
}

// deliver passes one message to the handler and waits for it, unless the session has closed.
func (s *Session) deliver(data []byte, binary bool) {
	s.recv.Lock()
	defer s.recv.Unlock()
	if s.ReadyState() != "open" {
		return
	}
	s.budget.useful.Add(int64(len(data)))
	s.delivering.Store(true)
	defer s.delivering.Store(false)
	defer s.recovered()
	s.handler.Message(data, binary)
}

// recovered ends this session alone after a panic of the handler, on every transport. net/http
// would do the same for polling only.
func (s *Session) recovered() {
	if v := recover(); v != nil {
		s.server.o.Logger.Error("engine.io handler panicked", slog.Any("panic", v),
			slog.String("stack", string(debug.Stack())))
		s.end(ending{reason: ReasonForcedClose, code: closeUnexpected})
	}
}
