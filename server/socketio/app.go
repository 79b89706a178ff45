package socketio

import (
	"context"
	"errors"
)

// App answers the clients of a namespace. The Server asks its applications in the order in which
// they were mounted.
//
// The Server calls an App for one Conn at a time, in the order of the client's packets; the
// client's next packet waits until the call has returned. Calls for different clients run
// concurrently. A panic closes the connection on which it happened and no other.
type App interface {
	// Connect runs before the Server answers the client's CONNECT. ErrNotServed means that the
	// application does not serve this namespace. Any other error refuses the client, which gets it
	// as a connect_error, see [Refuse]. Events that Connect emits to the client follow the answer.
	// ctx ends after Options.ConnectTimeout and with the connection.
	Connect(ctx context.Context, c *Conn) error

	// Event handles an event of a client whose Connect returned nil, and reports whether it did. If
	// not, the Server asks the next application. ctx ends with the connection.
	Event(ctx context.Context, c *Conn, e *Event) (handled bool)

	// Disconnect runs exactly once for each Connect that returned nil, when the client has left the
	// namespace or a later application has refused it. c.Rooms() still returns the rooms of the
	// client. reason is one of the Reason constants.
	Disconnect(c *Conn, reason string)
}

// Observer is an App that also sees the events that an earlier application has handled. The Server
// then calls Observe instead of Event.
type Observer interface {
	Observe(ctx context.Context, c *Conn, e *Event)
}

// Renewer is an App that learns that a client has a new identity of the connect hook, see
// [auth.Authenticator.Renew]. The Server calls Renewed between two events of the client.
type Renewer interface {
	Renewed(c *Conn)
}

// DataApp is an App that keeps the data of clients itself, and not with [Conn.SetData]. Other servers
// // get it, see [Broadcast.FetchConns]; nil is none. They do not get a value with a map, a pointer, an
// interface or a slice other than json.RawMessage, which can change while it is encoded.
type DataApp interface {
	Data(c *Conn) any
}

// ErrNotServed is the error of App.Connect for a namespace that the application does not serve. The
// Server refuses a client that no application serves with "Invalid namespace".
var ErrNotServed = errors.New("socketio: namespace is not served")

// The reasons of a disconnect, as a Node server reports them. ReasonTransportError also covers a
// client that does not read its replies. ReasonForcedClose covers packets that Socket.IO does not
// allow, idle clients, too many events and panics.
const (
	ReasonClientLeft     = "client namespace disconnect" // the client called disconnect()
	ReasonServerClosed   = "server namespace disconnect" // the server or the API ended it
	ReasonTransportClose = "transport close"             // the client closed it, or it was lost
	ReasonTransportError = "transport error"             // a write or a pending poll failed
	ReasonPingTimeout    = "ping timeout"                // no answer to a ping
	ReasonParseError     = "parse error"                 // a packet that Engine.IO does not allow
	ReasonForcedClose    = "forced close"                // the server closed it, see the log
	ReasonShutdown       = "server shutting down"        // Server.Shutdown
)

// mounted is an application and the namespaces that it can serve.
type mounted struct {
	App
	serves func(namespace string) bool
}

// maxApps is the number of applications that can be mounted: a Conn has one bit for each.
const maxApps = 32

// Mount adds an application after those that are mounted already. serves reports whether the
// application can serve a namespace; nil means all namespaces. It must be fast, because every
// CONNECT calls it. Call Mount before the first client connects.
func (s *Server) Mount(app App, serves func(namespace string) bool) {
	if serves == nil {
		serves = func(string) bool { return true }
	}
	if len(s.apps) == maxApps {
		panic("socketio: too many applications")
	}
	s.apps = append(s.apps, mounted{app, serves})
}

// appsOf returns one bit for each application that can serve a namespace.
func (s *Server) appsOf(namespace string) (apps uint32) {
	for i, app := range s.apps {
		if app.serves(namespace) {
			apps |= 1 << i
		}
	}
	return apps
}
