package library

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/socketio"
)

// namespace holds the state that this package has for a namespace of the library.
type namespace struct {
	f   *facade
	nsp socket.Namespace

	dynamic     bool // created for a client; it ends with its last Socket
	mu          sync.Mutex
	adopted     bool // the library's list of middlewares contains only intercept
	middlewares []socket.NamespaceMiddleware
}

func newNamespace(f *facade, nsp socket.Namespace) *namespace {
	n := &namespace{f: f, nsp: nsp}
	listeners := nsp.EventEmitter()
	after := map[events.EventName]func([]any){"connection": func(args []any) {
		if sock, ok := args[0].(*socket.Socket); ok {
			if p := f.peerOf(sock); p != nil {
				p.endings.join()
			}
		}
	}}
	listeners.EventEmitter = &emitter{EventEmitter: listeners.EventEmitter, f: f, after: after}
	return n
}

// hasHandlers reports whether any Go code observes the clients of the namespace.
func (n *namespace) hasHandlers() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.adopt()
	e := n.nsp.EventEmitter()
	return n.dynamic || len(n.middlewares) > 0 || e.ListenerCount("connection") > 0 ||
		e.ListenerCount("connect") > 0
}

// adopt takes the middlewares that were added since the last call, so that they run under
// intercept, which recovers panics and stops waiting when the client leaves. The caller holds the
// lock.
func (n *namespace) adopt() {
	n.nsp.Fns().DoWrite(func(fns []socket.NamespaceMiddleware) []socket.NamespaceMiddleware {
		if n.adopted {
			fns = fns[1:]
		}
		n.middlewares, n.adopted = append(n.middlewares, fns...), true
		return []socket.NamespaceMiddleware{n.intercept}
	})
}

func (n *namespace) all() []socket.NamespaceMiddleware {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.adopt()
	return n.middlewares[:len(n.middlewares):len(n.middlewares)]
}

// intercept is the only middleware that the library has. It links the new Socket to its peer and
// runs the middlewares of Go code.
func (n *namespace) intercept(sock *socket.Socket, next func(*socket.ExtendedError)) {
	es, ok := sock.Conn().(*engineSocket)
	if !ok {
		next(socket.NewExtendedError("Forbidden", nil))
		return
	}
	es.peer.created(sock)
	go func() {
		if err := n.ask(es.peer); err != nil {
			next(err)
			return
		}
		if es.peer.enter() {
			next(nil)
		}
	}()
}

// ask runs the middlewares in order until one refuses.
func (n *namespace) ask(p *peer) *socket.ExtendedError {
	for _, f := range n.all() {
		if err := p.askOne(f); err != nil {
			return err
		}
	}
	return nil
}

// namespace returns the namespace of a client. A namespace function of Go code may allow a new one.
// The library does not support two clients that create a dynamic namespace at the same time, nor a
// namespace that ends while a client connects. So other clients wait until release is called.
func (f *facade) namespace(
	ctx context.Context, c *socketio.Conn,
) (n *namespace, release func(), err error) {
	var payload any
	_ = json.Unmarshal(c.Handshake().Auth, &payload) // package socketio encoded it
	for {
		f.creating.Lock()
		release = sync.OnceFunc(f.creating.Unlock)
		if n, ok := f.namespaces.Load(c.Namespace()); ok {
			return n.(*namespace), release, nil
		}
		release()
		parent, err := f.parentOf(ctx, c.Namespace(), payload)
		if err != nil {
			return nil, release, err
		}
		f.creating.Lock()
		if _, ok := f.namespaces.Load(c.Namespace()); !ok {
			parent.CreateChild(c.Namespace())
			if made, ok := f.namespaces.Load(c.Namespace()); ok {
				made.(*namespace).dynamic = true
			}
		}
		f.creating.Unlock()
	}
}

// parentOf calls the namespace functions in order. A function may answer after it returns.
func (f *facade) parentOf(
	ctx context.Context, name string, payload any,
) (found socket.ParentNamespace, err error) {
	err = socketio.ErrNotServed
	visit := func(ask socket.ParentNspNameMatchFn, parent socket.ParentNamespace) bool {
		answer := make(chan bool, 1)
		decide := func(allow bool) {
			select {
			case answer <- allow:
			default: // an earlier answer counts
			}
		}
		go func() {
			returned := false
			defer func() {
				if !returned { // the function panicked
					decide(false)
				}
			}()
			defer f.recovered("namespace function")
			(*ask)(name, payload, func(err error, allow bool) { decide(err == nil && allow) })
			returned = true
		}()
		select {
		case allowed := <-answer:
			if allowed {
				found, err = parent, nil
			}
			return !allowed
		case <-ctx.Done():
			err = ctx.Err()
			return false
		}
	}
	parentsIn(f.io).Range(visit)
	return found, err
}
