package socketio

import (
	"context"
	"sync"
	"time"

	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
)

// Event is what a client emitted, as Server.OnEvent sees it before handlers do.
type Event struct {
	Socket   *socket.Socket
	Identity auth.Identity
	Name     string
	Args     []any // without the acknowledgement
}

// answer is the acknowledgement that a client waits for; without one it does
// nothing. Only its first call counts.
type answer func(args ...any)

// dispatch runs one event through the OnEvent functions, our own handlers and
// those that Go code registered, in this goroutine. The library's own dispatch
// would start two goroutines and lose the order of events.
func (l *link) dispatch(p *packet) {
	peer := l.peer(p.namespace)
	if peer == nil || peer.sock() == nil {
		l.session.Close(reasonParse)
		return
	}
	sock, reply := peer.sock(), l.answer(p)
	args, err := values(p.args, p.parts)
	if err != nil {
		l.session.Close(reasonParse)
		return
	}
	if !sock.Connected() {
		return
	}
	if peer.refresh(p, reply) {
		return
	}
	event := Event{Socket: sock, Identity: peer.who(), Name: p.name, Args: args}
	for _, fn := range l.srv.eventHooks() {
		if err := fn(l.session.Context(), event); err != nil {
			reply(errorReply{Error: refusalOf(err).Data})
			return
		}
	}
	known := peer.builtin(p, reply)
	if p.hasID {
		args = append(args, socket.Ack(func(values []any, _ error) { reply(values...) }))
	}
	for _, listener := range sock.ListenersAny() {
		known = true
		listener(append([]any{p.name}, args...)...)
	}
	if len(sock.Listeners(p.name)) > 0 {
		known = true
		sock.EmitUntyped(p.name, args...)
	}
	if !known {
		l.srv.opts.Metrics.Refused("unknown_event")
		reply(errorReply{Error: refusalData{Code: "unknown_event"}})
	}
}

// answer makes the acknowledgement of p.
func (l *link) answer(p *packet) answer {
	if !p.hasID {
		return func(...any) {}
	}
	var once sync.Once
	namespace, id := p.namespace, p.id
	return func(args ...any) {
		once.Do(func() {
			w, err := encodeWire(kindAck, namespace, &id, args)
			if err != nil {
				l.srv.logEncodeError(namespace, err)
				return
			}
			l.sendPacket(w)
		})
	}
}

// acknowledge hands a client's acknowledgement to whoever waits for it.
func (l *link) acknowledge(p *packet) {
	peer := l.peer(p.namespace)
	if peer == nil || peer.sock() == nil {
		l.session.Close(reasonParse)
		return
	}
	args, err := values(p.args, p.parts)
	if err != nil {
		l.session.Close(reasonParse)
		return
	}
	if ack, ok := peer.answered(p.id); ok {
		ack(args, nil)
	}
}

// abuse tells a client that keeps exceeding its rate from one that bursts.
type abuse struct {
	since, last, told time.Time
}

const (
	abuseGrace = time.Second      // this long without a refusal and the client is forgiven
	abuseLimit = 10 * time.Second // of abuse, then the transport is closed
)

// allow holds an event against the client's rate. It runs in the reader, so that
// slow handlers do not make a flood look slow.
func (l *link) allow(p *packet) bool {
	interval := l.srv.opts.RateInterval
	if interval <= 0 {
		return true
	}
	limiter := &l.events
	if !p.isEvent() {
		limiter = &l.connects // a bucket of its own, or a page with many namespaces could not send
	}
	if *limiter == nil {
		*limiter = rate.NewLimiter(rate.Every(interval), max(1, l.srv.opts.RateBurst))
	}
	if (*limiter).Allow() {
		return true
	}
	now := time.Now()
	if now.Sub(l.abuse.last) > abuseGrace {
		l.abuse.since = now
	}
	l.abuse.last = now
	if now.Sub(l.abuse.since) >= abuseLimit {
		l.end("too many events")
		return false
	}
	if !p.isEvent() {
		l.refuse(p.namespace, &auth.Error{Code: edge.CodeRateLimited, Message: "Rate limit exceeded", RetryAfter: max(interval, time.Second)})
		return false
	}
	refusal := errorEvent{Code: edge.CodeRateLimited, Message: "Rate limit exceeded", RetryAfter: interval.Seconds()}
	l.srv.opts.Metrics.Refused(refusal.Code)
	l.answer(p)(errorReply{Error: refusal})
	// One event a second tells as much as thousands would.
	if own := l.peer(p.namespace); own != nil && now.Sub(l.abuse.told) >= time.Second {
		l.abuse.told = now
		l.srv.log.Debug("events refused", zap.Strings("clients", clientsOf([]*peer{own})), zap.Duration("retry", interval))
		l.send(own.eventReply("error", refusal))
	}
	return false
}

// OnEvent registers fn, which runs before the handlers of every client event, in
// the client's order, one at a time for each client. An error ends the event: the
// client gets it in its acknowledgement. It takes the place of the library's
// socket.Use, which runs events on goroutines without order.
func (s *Server) OnEvent(fn func(ctx context.Context, e Event) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onEvent = append(s.onEvent[:len(s.onEvent):len(s.onEvent)], fn)
}

func (s *Server) eventHooks() []func(context.Context, Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.onEvent
}
