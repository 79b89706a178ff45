package socketio

import (
	"context"
	"errors"
)

// App answers the clients of a namespace. The Server asks its applications in the order in which they were mounted.
//
// The calls for one Conn come one at a time, in the order of the client's packets, and the client's next packet waits
// until a call has returned. Calls for different clients come at the same time. A panic costs the connection it
// happened on, no other.
type App interface {
	// Connect is called before the client's CONNECT is answered. ErrNotServed says that the application does not
	// answer clients of this namespace; any other error refuses the client, which gets it as a connect_error, see
	// [Refuse]. What is emitted to the client meanwhile follows the answer. ctx ends with Options.ConnectTimeout and
	// with the connection.
	Connect(ctx context.Context, c *Conn) error

	// Event is called for each event of a client whose Connect returned nil. It reports whether the event was
	// handled; the next application is asked otherwise. ctx ends with the connection.
	Event(ctx context.Context, c *Conn, e *Event) (handled bool)

	// Disconnect is called exactly once for each Connect that returned nil, when the client has left the namespace or
	// was refused by a later application. c.Rooms() still tells the rooms that it was in. reason is one of the
	// Reason constants, or what the caller of Close gave.
	Disconnect(c *Conn, reason string)
}

// Observer is an App that also sees the events which an earlier application has handled. Observe is called in the place of
// Event then.
type Observer interface {
	Observe(ctx context.Context, c *Conn, e *Event)
}

// ErrNotServed is returned by App.Connect for a namespace that the application has nothing to do with. A client that no
// application serves is refused with "Invalid namespace".
var ErrNotServed = errors.New("socketio: namespace is not served")

// The reasons of a disconnect, as a Node server reports them.
const (
	ReasonClientLeft     = "client namespace disconnect" // the client called disconnect()
	ReasonServerClosed   = "server namespace disconnect" // the server or the API ended it
	ReasonTransportClose = "transport close"             // the client closed the connection, or it was lost
	ReasonTransportError = "transport error"             // a write or a waiting poll failed, or the client does not read
	ReasonPingTimeout    = "ping timeout"                // no answer to a ping
	ReasonParseError     = "parse error"                 // a packet that Engine.IO does not allow
	ReasonForcedClose    = "forced close"                // the server closed the transport: a packet that Socket.IO does not allow, idle, too many events, a panic
	ReasonShutdown       = "server shutting down"        // Server.Shutdown
)

// mounted is an application and the namespaces that it may serve.
type mounted struct {
	App
	serves func(namespace string) bool
}

// maxApps is how many applications can be mounted: a Conn keeps a bit for each.
const maxApps = 32

// Mount adds an application behind those that are mounted already. serves tells the namespaces that it may serve, nil
// stands for all; it must be quick, as every CONNECT asks it. Mount before the first client connects.
func (s *Server) Mount(app App, serves func(namespace string) bool) {
	if serves == nil {
		serves = func(string) bool { return true }
	}
	if len(s.apps) == maxApps {
		panic("socketio: too many applications")
	}
	s.apps = append(s.apps, mounted{app, serves})
}

// appsOf has a bit for each application that may serve a namespace.
func (s *Server) appsOf(namespace string) (apps uint32) {
	for i, app := range s.apps {
		if app.serves(namespace) {
			apps |= 1 << i
		}
	}
	return apps
}
