package library

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/socketio"
)

// namespace is what this package keeps of a namespace of the library.
type namespace struct {
	f   *facade
	nsp socket.Namespace

	dynamic     bool // made for a client: it ends with its last Socket
	mu          sync.Mutex
	adopted     bool // the library's list of middlewares is intercept alone
	middlewares []socket.NamespaceMiddleware
}

func newNamespace(f *facade, nsp socket.Namespace) *namespace {
	n := &namespace{f: f, nsp: nsp}
	listeners := nsp.EventEmitter()
	listeners.EventEmitter = &emitter{EventEmitter: listeners.EventEmitter, f: f, after: map[events.EventName]func([]any){
		"connection": func(args []any) {
			if sock, ok := args[0].(*socket.Socket); ok {
				if p := f.peerOf(sock); p != nil {
					p.endings.join()
				}
			}
		},
	}}
	return n
}

// hasHandlers reports whether Go code would notice a client.
func (n *namespace) hasHandlers() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.adopt()
	e := n.nsp.EventEmitter()
	return n.dynamic || len(n.middlewares) > 0 || e.ListenerCount("connection") > 0 || e.ListenerCount("connect") > 0
}

// adopt takes the middlewares that were added since the last call, so that they run under intercept: with a recover, and
// to an end when the client leaves meanwhile. The caller holds the lock.
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

// intercept is the only middleware that the library sees. It learns which Socket was made for a client, and runs the
// middlewares of Go code.
func (n *namespace) intercept(sock *socket.Socket, next func(*socket.ExtendedError)) {
	es, ok := sock.Conn().(*engineSocket)
	if !ok {
		next(socket.NewExtendedError("Forbidden", nil))
		return
	}
	es.peer.made(sock)
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

// ask runs the middlewares in turn until one refuses.
func (n *namespace) ask(p *peer) *socket.ExtendedError {
	for _, f := range n.all() {
		if err := p.askOne(f); err != nil {
			return err
		}
	}
	return nil
}

// namespace returns the namespace of a client, which may be one that a function of Go code allows now. The library does
// not expect two clients to call a dynamic namespace into being at the same time, nor one to end while a client comes:
// release lets other clients in again.
func (f *facade) namespace(ctx context.Context, c *socketio.Conn) (n *namespace, release func(), err error) {
	var payload any
	_ = json.Unmarshal(c.Handshake().Auth, &payload) // it was encoded by package socketio
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

// parentOf asks the functions that allow namespaces. A function may answer later.
func (f *facade) parentOf(ctx context.Context, name string, payload any) (found socket.ParentNamespace, err error) {
	err = socketio.ErrNotServed
	parentsIn(f.io).Range(func(ask socket.ParentNspNameMatchFn, parent socket.ParentNamespace) bool {
		answer := make(chan bool, 1)
		decide := func(allow bool) {
			select {
			case answer <- allow:
			default: // it has answered
			}
		}
		go func() {
			returned := false
			defer func() {
				if !returned { // it panics
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
	})
	return found, err
}
