package socketio

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/roomcast/roomcast/notify"
)

// Namespace has the handlers of Go code for the clients of one namespace, and sends to them. Handlers of one client run
// one at a time, in the order of its packets. Register them before the first client connects.
type Namespace struct {
	srv  *Server
	name string

	mu         sync.RWMutex
	used       bool // it has a handler: its clients are let in
	connect    []func(context.Context, *Conn) error
	events     map[string]func(context.Context, *Conn, *Event) error
	disconnect []func(*Conn, string)
}

// Of returns the namespace with this name, "/" or "/name". Clients are let into "/", and into a namespace that has a
// handler. It panics for a name that no client could use.
func (s *Server) Of(name string) *Namespace {
	if name == "" {
		name = notify.RootNamespace
	}
	if !validNamespace(name) {
		panic(fmt.Sprintf("socketio: namespace %q: expected / and a name without , # ? of at most %d bytes", name, maxNamespace))
	}
	if n, ok := s.namespaces.Load(name); ok {
		return n.(*Namespace)
	}
	n, _ := s.namespaces.LoadOrStore(name, &Namespace{srv: s, name: name})
	return n.(*Namespace)
}

// validNamespace reports whether clients may name a namespace so. '#' separates a namespace from a room in the Hub, ','
// ends the name in a packet, and '?' would begin a query in other implementations.
func validNamespace(name string) bool {
	return strings.HasPrefix(name, "/") && len(name) <= maxNamespace && !strings.ContainsAny(name, ",#?")
}

// OnConnect adds a function that is called before a client's CONNECT is answered. An error refuses the client: it gets
// a connect_error, see [Refuse]. What f emits to the client follows the answer. The client waits for f, so f should
// leave slow work to a goroutine of its own.
func (n *Namespace) OnConnect(f func(ctx context.Context, c *Conn) error) {
	n.register(func() { n.connect = append(n.connect, f) })
}

// On sets the handler of an event. An error that it returns becomes the acknowledgement {"error":{"code":…}}, unless f
// has acknowledged already, see [Refuse]. It panics for a name that Socket.IO keeps for itself, for one of the built-in
// events in "/", and for an event that has a handler.
func (n *Namespace) On(event string, f func(ctx context.Context, c *Conn, e *Event) error) {
	switch {
	case event == "connection":
		panic(`socketio: On("connection"): use OnConnect`)
	case event == "disconnect", event == "disconnecting":
		panic(fmt.Sprintf("socketio: On(%q): use OnDisconnect", event))
	case reservedEvents[event], event == refreshEvent:
		panic(fmt.Sprintf("socketio: On(%q): the name is reserved", event))
	case builtins[event] && n.name == notify.RootNamespace && !n.srv.opts.Plain:
		panic(fmt.Sprintf("socketio: On(%q): the event is built in; use Server.Before to see it", event))
	}
	n.register(func() {
		if n.events[event] != nil {
			panic(fmt.Sprintf("socketio: On(%q): the event has a handler already", event))
		}
		if n.events == nil {
			n.events = map[string]func(context.Context, *Conn, *Event) error{}
		}
		n.events[event] = f
	})
}

// OnDisconnect adds a function that is called once for each client that was let in, when it has left. c.Rooms() tells
// the rooms that it was in. reason is one of the Reason constants.
func (n *Namespace) OnDisconnect(f func(c *Conn, reason string)) {
	n.register(func() { n.disconnect = append(n.disconnect, f) })
}

func (n *Namespace) register(add func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	add()
	n.used = true
}

// To is a broadcast to rooms of the namespace; without rooms, to all of its clients.
func (n *Namespace) To(names ...string) Broadcast {
	return n.srv.In(n.name).To(names...)
}

// Emit sends an event to all clients of the namespace, see Broadcast.Emit.
func (n *Namespace) Emit(event string, args ...any) (notify.Receipt, error) {
	return n.To().Emit(event, args...)
}

// handlers is the application that runs what was registered on namespaces.
type handlers struct{ srv *Server }

func (h handlers) of(namespace string) *Namespace {
	if n, ok := h.srv.namespaces.Load(namespace); ok {
		return n.(*Namespace)
	}
	return nil
}

func (h handlers) serves(namespace string) bool {
	n := h.of(namespace)
	if n == nil {
		return false
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.used
}

func (h handlers) Connect(ctx context.Context, c *Conn) error {
	n := h.of(c.namespace)
	n.mu.RLock()
	fs := n.connect
	n.mu.RUnlock()
	for _, f := range fs {
		if err := f(ctx, c); err != nil {
			if errors.Is(err, ErrNotServed) {
				return errInternal // a handler may refuse, but not disown its namespace
			}
			return err
		}
	}
	return nil
}

func (h handlers) Event(ctx context.Context, c *Conn, e *Event) bool {
	n := h.of(c.namespace)
	n.mu.RLock()
	f := n.events[e.Name]
	n.mu.RUnlock()
	if f == nil {
		return false
	}
	if err := f(ctx, c, e); err != nil {
		e.Ack(errorReply{Error: refusalOf(err).Data})
	}
	return true
}

func (h handlers) Disconnect(c *Conn, reason string) {
	n := h.of(c.namespace)
	n.mu.RLock()
	fs := n.disconnect
	n.mu.RUnlock()
	for _, f := range fs {
		c.client.do(func() { f(c, reason) })
	}
}
