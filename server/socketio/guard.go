package socketio

import (
	"reflect"
	"runtime/debug"
	"sync"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/edge"
)

// The library runs "connection" handlers, middlewares and "disconnect" handlers
// on goroutines of its own, where a panic would end the process. What Go code
// registers is therefore wrapped with a recover before a client can reach it.

// recovered is deferred around everything that runs code of handlers. It logs
// and counts a panic, then calls then.
func (s *Server) recovered(where string, then func()) {
	v := recover()
	if v == nil {
		return
	}
	s.panics.Add(1)
	s.opts.Metrics.Panicked()
	s.log.Error("panic in a "+where, zap.Any("panic", v), zap.ByteString("stack", debug.Stack()))
	if then != nil {
		then()
	}
}

// emitter is a namespace or a socket of the library.
type emitter interface {
	Listeners(string) []events.Listener
	On(string, ...events.Listener) error
	RemoveAllListeners(events.EventName) bool
}

// protect is told from other functions by its code, so it must not be inlined.
//
//go:noinline
func (s *Server) protect(fn events.Listener) events.Listener {
	return func(args ...any) {
		defer s.recovered("handler", nil)
		fn(args...)
	}
}

// protectMiddleware is known by its code like protect. An answer that comes after
// the client has gone ends there: the library would clean up by the client's id,
// which the next connection of that client may have by then.
//
//go:noinline
func (s *Server) protectMiddleware(fn socket.NamespaceMiddleware) socket.NamespaceMiddleware {
	return func(sock *socket.Socket, next func(*socket.ExtendedError)) {
		var once sync.Once
		answer := func(err *socket.ExtendedError) {
			once.Do(func() {
				if p := peerOf(sock); err == nil || p == nil || p.enter() {
					next(err)
				}
			})
		}
		defer s.recovered("middleware", func() {
			answer(socket.NewExtendedError("Internal error", map[string]any{"code": edge.CodeInternal}))
		})
		fn(sock, answer)
	}
}

// lastMiddleware runs when all others have let a client in. From here on the
// library joins it on a goroutine of its own; the guards are held until joined has
// run, so that no listener is exchanged under it.
func (s *Server) lastMiddleware(sock *socket.Socket, next func(*socket.ExtendedError)) {
	p := peerOf(sock)
	if p == nil || !p.enter() {
		return
	}
	s.guards.RLock()
	p.releaseGuards(sync.OnceFunc(s.guards.RUnlock))
	next(nil)
}

// peerOf is the peer that a Socket of the library belongs to.
func peerOf(sock *socket.Socket) *peer {
	if es, ok := sock.Conn().(*engineSocket); ok {
		return es.link.srv.peers.of(sock)
	}
	return nil
}

// sameCode reports whether two functions are the same literal or method.
func sameCode(a, b any) bool { return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer() }

// guardListeners wraps those listeners that are not wrapped yet.
func (s *Server) guardListeners(e emitter, names ...string) {
	wrapped := s.protect(nil)
	for _, name := range names {
		listeners, changed := e.Listeners(name), false
		for i, fn := range listeners {
			if !sameCode(fn, wrapped) && !sameCode(fn, s.joined) {
				listeners[i], changed = s.protect(fn), true
			}
		}
		if changed {
			e.RemoveAllListeners(events.EventName(name))
			_ = e.On(name, listeners...)
		}
	}
}

// guarded reports whether nothing was registered since guardNamespace.
func (s *Server) guarded(nsp socket.Namespace) bool {
	fns := nsp.Fns().All()
	last := len(fns) - 1
	if last < 1 || !sameCode(fns[0], s.intercept) || !sameCode(fns[last], s.lastMiddleware) {
		return false
	}
	for _, fn := range fns[1:last] {
		if !sameCode(fn, s.protectMiddleware(nil)) {
			return false
		}
	}
	for _, fn := range nsp.Listeners("connect") {
		if !sameCode(fn, s.protect(nil)) {
			return false
		}
	}
	listeners := nsp.Listeners("connection")
	for i, fn := range listeners {
		if want := any(s.protect(nil)); i < len(listeners)-1 && !sameCode(fn, want) {
			return false
		}
	}
	return len(listeners) > 0 && sameCode(listeners[len(listeners)-1], s.joined)
}

// guardNamespace makes intercept the first middleware, lastMiddleware the last
// one and joined the last "connection" listener, and wraps what Go code registered
// between them.
func (s *Server) guardNamespace(nsp socket.Namespace) {
	wrapped := []socket.NamespaceMiddleware{s.intercept}
	for _, fn := range nsp.Fns().All() {
		switch {
		case sameCode(fn, s.intercept), sameCode(fn, s.lastMiddleware):
		case sameCode(fn, s.protectMiddleware(nil)):
			wrapped = append(wrapped, fn)
		default:
			wrapped = append(wrapped, s.protectMiddleware(fn))
		}
	}
	nsp.Fns().Replace(append(wrapped, s.lastMiddleware))
	e := nsp.EventEmitter()
	s.guardListeners(e, "connect", "connection")
	listeners := e.Listeners("connection")
	e.RemoveAllListeners("connection")
	for _, fn := range listeners {
		if !sameCode(fn, s.joined) {
			_ = e.On("connection", fn)
		}
	}
	_ = e.On("connection", s.joined)
}

// prepare guards a namespace before a client is let in, and reports whether it
// exists.
func (s *Server) prepare(name string) (known bool) {
	v, known := s.namespaces.Load(name)
	if !known {
		return false
	}
	nsp := v.(socket.Namespace)
	s.guards.RLock()
	ready := s.guarded(nsp)
	s.guards.RUnlock()
	if !ready {
		s.guards.Lock() // waits for the "connection" handlers that run, and for nothing else
		defer s.guards.Unlock()
		if !s.guarded(nsp) {
			s.guardNamespace(nsp)
		}
	}
	return true
}
