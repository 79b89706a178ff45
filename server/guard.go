package server

import (
	"reflect"
	"runtime/debug"
	"sync"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/zap"
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
	s.opts.Metrics.panicked()
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

// protectMiddleware is known by its code like protect.
//
//go:noinline
func (s *Server) protectMiddleware(fn socket.NamespaceMiddleware) socket.NamespaceMiddleware {
	return func(sock *socket.Socket, next func(*socket.ExtendedError)) {
		var once sync.Once
		answer := func(err *socket.ExtendedError) { once.Do(func() { next(err) }) }
		defer s.recovered("middleware", func() {
			answer(socket.NewExtendedError("Internal error", map[string]any{"code": "internal"}))
		})
		fn(sock, answer)
	}
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
	if len(fns) == 0 || !sameCode(fns[0], s.intercept) {
		return false
	}
	for _, fn := range fns[1:] {
		if !sameCode(fn, s.protectMiddleware(nil)) {
			return false
		}
	}
	for _, name := range []string{"connect", "connection"} {
		for i, fn := range nsp.Listeners(name) {
			last := i == len(nsp.Listeners(name))-1
			if sameCode(fn, s.joined) != (last && name == "connection") ||
				!sameCode(fn, s.joined) && !sameCode(fn, s.protect(nil)) {
				return false
			}
		}
	}
	return len(nsp.Listeners("connection")) > 0
}

// guardNamespace makes intercept the first middleware and joined the last
// "connection" listener, and wraps what Go code registered between them.
func (s *Server) guardNamespace(nsp socket.Namespace) {
	wrapped := []socket.NamespaceMiddleware{s.intercept}
	for _, fn := range nsp.Fns().All() {
		switch {
		case sameCode(fn, s.intercept):
		case sameCode(fn, s.protectMiddleware(nil)):
			wrapped = append(wrapped, fn)
		default:
			wrapped = append(wrapped, s.protectMiddleware(fn))
		}
	}
	nsp.Fns().Replace(wrapped)
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

// prepare guards a namespace before a client is let in. It returns with the
// guards held, so that nobody's "connection" is emitted while listeners are
// being exchanged; the caller releases them. known tells whether the namespace
// exists.
func (s *Server) prepare(name string) (release func(), known bool) {
	for {
		s.guards.RLock()
		nsp, known := s.namespaces.Load(name)
		if !known || s.guarded(nsp.(socket.Namespace)) {
			return s.guards.RUnlock, known
		}
		s.guards.RUnlock()
		s.guards.Lock()
		s.guardNamespace(nsp.(socket.Namespace))
		s.guards.Unlock()
	}
}
