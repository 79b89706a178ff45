package socketio

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/roomcast/roomcast/notify"
)

// Arrival is a client that sends a CONNECT to a namespace with a guard.
type Arrival struct {
	Address netip.Addr                 // of the client; not valid over a unix socket
	Payload map[string]json.RawMessage // of the CONNECT; nil without one
}

// guard decides whether a client may enter a namespace. It returns the Data of its Conn.
type guard func(ctx context.Context, a Arrival) (data any, err error)

// handlersApp is the bit of the handlers of the Namespaces, which are mounted second.
const handlersApp = 2

// Guard makes a function decide which clients may enter the namespace, in place of Options.Auth: a
// client needs no token, and no token lets it in. The Server calls admit before it keeps anything of
// the client. ctx ends after Options.ConnectTimeout and with the connection. An error refuses the
// client, see [Refuse]; the third [auth.ErrInvalid] closes its connection. Conn.Data returns data.
//
// Only handlers of the Namespace see the clients of a namespace with a guard, no mounted application
// does. These clients have no identity, the payload of their CONNECT is in no Handshake, and they
// recover no session. Guard panics for "/", because EventSource streams are there, too.
func (n *Namespace) Guard(admit func(ctx context.Context, a Arrival) (data any, err error)) {
	if n.name == notify.RootNamespace {
		panic(fmt.Sprintf("socketio: Guard: the namespace %q cannot have one", n.name))
	}
	n.register(func() { n.guard = admit })
}

// guardOf returns the guard of a namespace, nil without one.
func (s *Server) guardOf(namespace string) guard {
	n, known := s.namespaces.Load(namespace)
	if !known {
		return nil
	}
	return n.(*Namespace).ownGuard()
}

func (n *Namespace) ownGuard() guard {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.guard
}

// pass asks a guard about a CONNECT, and drops its payload.
func (c *client) pass(ask guard, p *packet) (data any, err error) {
	a := Arrival{Address: c.admission.ip, Payload: p.auth}
	p.auth = nil
	ctx, cancel := context.WithTimeout(c.session.Context(), c.srv.opts.ConnectTimeout)
	defer cancel()
	defer c.srv.recovered("guard", func() { err = errInternal })
	return ask(ctx, a)
}
