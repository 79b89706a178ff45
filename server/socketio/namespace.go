package socketio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/roomcast/roomcast/notify"
)

// Namespace has the handlers for the clients of one namespace, and sends to these clients. Handlers
// of one client run one at a time, in the order of its packets. Register handlers before the first
// client connects.
type Namespace struct {
	srv  *Server
	name string

	mu         sync.RWMutex
	used       bool // it has a handler, so clients can connect to it
	guard      guard
	connect    []func(context.Context, *Conn) error
	events     map[string]func(context.Context, *Conn, *Event) error
	disconnect []func(*Conn, string)

	serverEvents map[string]func(context.Context, *ServerEvent)
}

// Of returns the namespace with this name, "/" or "/name". Clients can connect to "/" and to each
// namespace that has a handler. Of panics if the name is not valid for clients.
func (s *Server) Of(name string) *Namespace {
	if name == "" {
		name = notify.RootNamespace
	}
	if !validNamespace(name) {
		panic(fmt.Sprintf("socketio: namespace %q: "+
			"expected / and a name without , # ? of at most %d bytes", name, maxNamespace))
	}
	if n, ok := s.namespaces.Load(name); ok {
		return n.(*Namespace)
	}
	n, found := s.namespaces.LoadOrStore(name, &Namespace{srv: s, name: name})
	if p := s.opts.Peers; p != nil && !found {
		p.Enter(name) // other servers can emit to its handlers
	}
	return n.(*Namespace)
}

// validNamespace reports whether name is valid for a namespace. '#' separates a namespace from a
// room in the Hub, ',' ends the name in a packet, and '?' begins a query in other implementations.
func validNamespace(name string) bool {
	return strings.HasPrefix(name, "/") && len(name) <= maxNamespace &&
		!strings.ContainsAny(name, ",#?")
}

// OnConnect adds a function that runs before the Server answers a client's CONNECT. An error
// refuses the client, which gets a connect_error, see [Refuse]. Events that f emits to the client
// follow the answer. The client waits for f, so f should start a goroutine for slow work.
func (n *Namespace) OnConnect(f func(ctx context.Context, c *Conn) error) {
	n.register(func() { n.connect = append(n.connect, f) })
}

// On sets the handler of an event. An error of f becomes the acknowledgement {"error":{"code":…}},
// unless f has acknowledged before, see [Refuse]. On panics for a name that Socket.IO reserves, for
// a built-in event in "/", and for an event that has a handler already.
func (n *Namespace) On(event string, f func(ctx context.Context, c *Conn, e *Event) error) {
	switch {
	case event == "connection":
		panic(`socketio: On("connection"): use OnConnect`)
	case event == "disconnect", event == "disconnecting":
		panic(fmt.Sprintf("socketio: On(%q): use OnDisconnect", event))
	case slices.Contains(notify.ReservedEvents, event), event == refreshEvent:
		panic(fmt.Sprintf("socketio: On(%q): the name is reserved", event))
	case builtins[event] && n.name == notify.RootNamespace && n.srv.opts.builtins():
		panic(fmt.Sprintf("socketio: On(%q): "+
			"the event is built in; use Server.Before to see it", event))
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

// OnDisconnect adds a function that runs once for each client that OnConnect accepted, after it has
// left. c.Rooms() returns the rooms that it was in. reason is one of the Reason constants.
func (n *Namespace) OnDisconnect(f func(c *Conn, reason string)) {
	n.register(func() { n.disconnect = append(n.disconnect, f) })
}

func (n *Namespace) register(add func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	add()
	n.used = true
}

// To returns a broadcast to rooms of the namespace; without rooms, to all of its clients.
func (n *Namespace) To(names ...string) Broadcast {
	return n.srv.In(n.name).To(names...)
}

// Emit sends an event to all clients of the namespace, see Broadcast.Emit.
func (n *Namespace) Emit(event string, args ...any) (notify.Receipt, error) {
	return n.To().Emit(event, args...)
}

// handlers is the application that runs the handlers of the Namespaces.
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
				return errInternal // the namespace has a handler, so it is served
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
