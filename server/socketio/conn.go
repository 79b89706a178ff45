package socketio

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/edge"
)

// ErrClosed is returned by Emit and Ask of a Conn whose client has left.
var ErrClosed = errors.New("socketio: the client has left")

// Conn is one client in one namespace, from its CONNECT to its disconnect. Its methods may be called by any goroutine.
type Conn struct {
	client    *client
	member    *notify.Member // set before an application sees the Conn
	namespace string
	pid       string                        // the secret name of the session; "" without recovery; the client's lock guards it
	identity  atomic.Pointer[auth.Identity] // of today: auth:refresh changes it
	handshake *Handshake                    // nil when no application but the built-in events serves the namespace
	as        [][]byte                      // quoted names for notifications; nil stands for their own
	apps      uint32                        // a bit for each application whose Connect returned nil; the worker's own
	admitted  bool                          // it counts for the limits; the worker's own
	data      atomic.Pointer[any]

	// The client's lock guards these.
	listed  bool          // member is set: others find the Conn in the Hub before, and must leave it alone
	open    bool          // the answer to CONNECT is on the wire: what waits for the client may follow
	state   connState     // only the worker changes it
	reason  string        // why it ends; the first one counts
	early   []reply       // sent while it was connecting, to follow the answer
	asks    []ask         // that the client has not answered
	closing bool          // CloseTransport waits for the answer to CONNECT
	leaving bool          // its DISCONNECT is in the inbox
	over    bool          // the applications were told that it has ended
	waited  chan struct{} // closed then; nil: nobody waits for that

	// The writer's own.
	wire notify.ID // the last message on the wire

	// The sweep's own, but for renewed.
	warned  bool        // auth:expiring was sent
	renewed atomic.Bool // it is to be sent before the new end, too
}

// connState is how far a Conn has come.
type connState uint8

const (
	connecting connState = iota
	connected
	ended
)

// ID is the client's id in its namespace, which the client knows as socket.id. It stays the same when the client
// recovers its session.
func (c *Conn) ID() string { return c.member.ClientID() }

// Namespace is "/" or "/name".
func (c *Conn) Namespace() string { return c.namespace }

// Identity is who the client is, as of its CONNECT or its last new token.
func (c *Conn) Identity() auth.Identity { return *c.identity.Load() }

// Handshake is the request that began the connection, without secrets. It is kept for namespaces that an application
// serves beside the built-in events, and empty for others.
func (c *Conn) Handshake() Handshake {
	if c.handshake == nil {
		return Handshake{}
	}
	return *c.handshake
}

// Transport is "websocket" or "polling", as of now.
func (c *Conn) Transport() string { return c.client.session.Transport() }

// Recovered reports whether the client goes on with its former session: it has its id, its rooms and its data again,
// and gets what it missed.
func (c *Conn) Recovered() bool { return c.member.Recovered() }

// Context is done when the connection is closed. It is not done when the client leaves this namespace only.
func (c *Conn) Context() context.Context { return c.client.session.Context() }

// Rooms are the rooms of the namespace that the client is in, sorted, its own (ID) and its user's ("user:<id>", in "/")
// among them. When the client has left, they are those that it was in.
func (c *Conn) Rooms() []string {
	hubRooms := c.member.Left()
	if hubRooms == nil {
		hubRooms = c.member.Rooms()
	}
	names := make([]string, 0, len(hubRooms))
	for _, hubRoom := range hubRooms {
		if name, visible := roomName(hubRoom); visible {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Join puts the client into rooms of its namespace. They need no permission of the client, and come back with its
// session.
func (c *Conn) Join(names ...string) { c.member.Join(c.client.srv.hubRooms(c.namespace, names)...) }

// Leave takes the client out of rooms. Its own room and its user's stay.
func (c *Conn) Leave(names ...string) { c.member.Leave(c.client.srv.hubRooms(c.namespace, names)...) }

// Emit sends an event to this client. It is stored, so it reaches the client after a reconnect, too. Arguments are
// encoded as JSON; a []byte is a binary attachment, as an argument and inside of map[string]any and []any.
func (c *Conn) Emit(event string, args ...any) error {
	if c.hasEnded() {
		return ErrClosed
	}
	_, err := c.own().Emit(event, args...)
	return err
}

// own is a broadcast to the client alone.
func (c *Conn) own() Broadcast {
	return Broadcast{srv: c.client.srv, namespace: c.namespace, to: []string{rooms.In(c.namespace, rooms.Client(c.ID()))}}
}

// To is a broadcast to rooms of the client's namespace that leaves out the client itself.
func (c *Conn) To(names ...string) Broadcast {
	return c.client.srv.In(c.namespace).To(names...).Except(c.ID())
}

// Data is what SetData kept, nil at first. It comes back with the session of a client that recovers.
func (c *Conn) Data() any {
	if v := c.data.Load(); v != nil {
		return *v
	}
	return nil
}

// SetData keeps a value with the client. It lives in this process.
func (c *Conn) SetData(v any) {
	c.data.Store(&v)
	if pid := c.session(); pid != "" {
		c.client.srv.hub.KeepData(pidKey(pid), v)
	}
}

// session is the secret name of the session.
func (c *Conn) session() string {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	return c.pid
}

// Close makes the client leave the namespace, as socket.disconnect() of a Node server does: it gets what was sent
// before, then a DISCONNECT, and does not come back by itself. Its session is over.
func (c *Conn) Close() { c.close(ReasonServerClosed) }

// CloseTransport is Close in all namespaces of the client. Its connection is closed then. Called while the client
// connects, it takes effect with the answer to its CONNECT, so that the client learns that it is not to come back.
func (c *Conn) CloseTransport() {
	c.client.mu.Lock()
	later := c.state == connecting
	c.closing = c.closing || later
	c.client.mu.Unlock()
	if !later {
		c.client.closeAll(ReasonServerClosed)
	}
}

// Drop closes the client's connection as a network failure does: no DISCONNECT is sent, so the client connects again and
// goes on with its sessions. Handlers see ReasonForcedClose.
func (c *Conn) Drop() { c.client.end("dropped by a handler") }

func (c *Conn) close(reason string) {
	if !c.endFor(reason) {
		return
	}
	c.abandonAsks()
	c.member.Void()
	c.client.send(reply{frame: newFrame(appendHeader(nil, kindDisconnect, 0, c.namespace, nil)), conn: c})
	c.client.later(func() { c.finish(reason) })
	if !c.isConnecting() {
		c.detach() // the DISCONNECT has its place: what was sent before it is still written
	}
}

func (c *Conn) isConnecting() bool {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	return c.state == connecting
}

// ordered ends the connection because the API says so.
func (c *Conn) ordered(cause string) {
	c.client.srv.log.Debug("disconnect ordered", zap.String("client", c.ID()), zap.String("namespace", c.namespace),
		zap.String("reason", edge.LogValue(cause)))
	c.client.closeAll(cause)
}

// closeAll ends the connection because the server or the API says so. A client that waits for the answer to its CONNECT
// does not get it: it comes back, and what decides about it may decide otherwise then.
func (c *client) closeAll(cause string) {
	for _, conn := range c.all() {
		conn.member.Void()
		conn.close(ReasonServerClosed)
	}
	c.end(cause)
}

// endFor notes why the Conn ends. It reports false when it is ending already.
func (c *Conn) endFor(reason string) bool {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	if c.reason != "" || c.state == ended {
		return false
	}
	c.reason = reason
	return true
}

func (c *Conn) hasEnded() bool {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	return c.reason != "" || c.client.closed
}

// hasLeft reports whether the client or the server ended the Conn. Packets that came before the transport was closed are
// still handled.
func (c *Conn) hasLeft() bool {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	return c.reason != ""
}

func (c *Conn) isClosing() bool {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	return c.closing
}

func (c *Conn) isOpen() bool {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	return c.open
}

// LastActive is when the last byte came from the client, answers to pings included.
func (c *Conn) LastActive() time.Time { return c.client.session.LastReceived() }

// roomName is a hub room as handlers know it. The room of everyone has no name here.
func roomName(hubRoom string) (name string, visible bool) {
	_, name = rooms.Split(hubRoom)
	if id, ok := rooms.IsClient(name); ok {
		return id, true
	}
	return name, name != rooms.All
}

// hubRooms are rooms of a namespace in the Hub. The id of a client stands for its own room.
func (s *Server) hubRooms(namespace string, names []string) []string {
	hubRooms := make([]string, len(names))
	for i, name := range names {
		if s.hub.IsClientID(name) {
			name = rooms.Client(name)
		}
		hubRooms[i] = rooms.In(namespace, name)
	}
	return hubRooms
}
