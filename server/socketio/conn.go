package socketio

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// ErrClosed is the error of Emit and Ask when the client has left.
var ErrClosed = errors.New("socketio: the client has left")

// Conn is one client in one namespace, from CONNECT to disconnect. It is safe for concurrent use.
type Conn struct {
	client    *client
	member    *notify.Member // set before the Hub shows it to others
	namespace string
	identity  atomic.Pointer[auth.Identity] // auth:refresh replaces it
	handshake *Handshake                    // nil if only the built-in events serve the namespace
	as        [][]byte                      // quoted names for notifications; nil: their own types
	target    bool                          // the client asked for the channels of each event
	guarded   bool                          // the namespace has a guard
	data      atomic.Pointer[connData]

	// Only the worker uses these.
	apps     uint32 // one bit for each application whose Connect returned nil
	admitted bool   // the Conn counts for the limits

	// Guarded by client.mu.
	pid     string        // secret name of the session; "" without recovery
	open    bool          // the answer to CONNECT was written: notifications may follow
	state   connState     // only the worker changes it
	reason  string        // why the Conn ends; the first reason counts
	early   []reply       // queued while connecting, to be sent after the answer to CONNECT
	asks    []ask         // without an answer so far
	late    int           // cancelled asks whose acknowledgements may still arrive
	closing bool          // CloseTransport waits for the answer to CONNECT
	leaving bool          // the inbox has the client's DISCONNECT
	over    bool          // Disconnect of every application has returned
	waited  chan struct{} // closed with over; nil: nothing waits for it

	// Only the writer uses it.
	wire notify.ID // the last message that was written

	// Only the sweep uses warned and askAgain.
	warned   bool        // auth:expiring was sent
	askAgain int64       // when the connect hook may be asked again, in Unix nanoseconds
	renewed  atomic.Bool // the identity has a new end, so both start again
	asking   atomic.Bool // the connect hook is asked again
}

// connState is the state of a Conn.
type connState uint8

const (
	connecting connState = iota
	connected
	ended
)

// ID returns the client's id in its namespace: socket.id in JavaScript. It stays the same when the
// client recovers its session.
func (c *Conn) ID() string { return c.member.ClientID() }

// Namespace returns "/" or "/name".
func (c *Conn) Namespace() string { return c.namespace }

// Identity returns the client's identity, from its CONNECT or its last auth:refresh.
func (c *Conn) Identity() auth.Identity { return *c.identity.Load() }

// Handshake returns the request that opened the connection, without secrets. In a namespace that
// only the built-in events serve it has no payload of CONNECT.
func (c *Conn) Handshake() Handshake {
	if c.handshake == nil { // it is kept for applications only
		h := newHandshake(c.client, nil)
		h.Time = c.member.ConnectedAt()
		return *h
	}
	return *c.handshake
}

// ConnectionID names the connection that a client has in all its namespaces. It is made from the
// session id of Engine.IO, which is a secret, and tells nothing about it.
func (c *Conn) ConnectionID() string {
	sum := sha256.Sum256([]byte(c.client.session.ID()))
	return base64.RawURLEncoding.EncodeToString(sum[:15])
}

// Transport returns the present transport, "websocket" or "polling".
func (c *Conn) Transport() string { return c.client.session.Transport() }

// Recovered reports whether the client continues its former session: it has the same id, rooms and
// data, and gets the events that it missed.
func (c *Conn) Recovered() bool { return c.member.Recovered() }

// Context is done when the connection is closed. It is not done when the client only leaves this
// namespace.
func (c *Conn) Context() context.Context { return c.client.session.Context() }

// Rooms returns the client's rooms in its namespace, sorted. They include the client's own room
// (ID) and the room of its user ("user:<id>"). After the client has left, Rooms returns
// the rooms that it was in.
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
	return slices.Compact(names) // a room can be two in the Hub, see notify.Hub.PlacesIn
}

// Join adds the client to rooms of its namespace. The client needs no permission for them, and is
// in them again when it recovers its session.
func (c *Conn) Join(names ...string) {
	c.member.Join(c.client.srv.hub.PlacesIn(c.namespace, names...)...)
}

// Leave removes the client from rooms. It stays in its own room and in the room of its user.
func (c *Conn) Leave(names ...string) {
	c.member.Leave(c.client.srv.hub.PlacesIn(c.namespace, names...)...)
}

// Emit sends an event to this client. The event is stored, so the client also gets it after a
// reconnect. Arguments are encoded as JSON. A []byte is a binary attachment, as an argument and
// inside map[string]any and []any.
func (c *Conn) Emit(event string, args ...any) error {
	if c.hasEnded() {
		return ErrClosed
	}
	_, err := c.own().Emit(event, args...)
	return err
}

// own returns a broadcast to this client only.
func (c *Conn) own() Broadcast {
	return Broadcast{
		srv: c.client.srv, namespace: c.namespace,
		to: []string{rooms.In(c.namespace, rooms.Client(c.ID()))},
	}
}

// To returns a broadcast to rooms of the client's namespace, except the client itself.
func (c *Conn) To(names ...string) Broadcast {
	return c.client.srv.In(c.namespace).To(names...).Except(c.ID())
}

// EndReason returns why the Conn has ended, one of the Reason constants. Functions of
// notify.Hub.OnDetach may call it. While the client is connected, the result has no meaning.
func (c *Conn) EndReason() string {
	c.client.mu.Lock()
	reason, leaving := c.reason, c.leaving
	c.client.mu.Unlock()
	switch {
	case reason != "":
		return reason
	case leaving: // the worker has not handled its DISCONNECT yet
		return ReasonClientLeft
	}
	return cmp.Or(c.client.session.EndReason(), ReasonForcedClose)
}

// Do runs f like a handler of this client: after the packets that wait, and never concurrently with
// another handler of the client. Do does not wait for f. f also runs after the client has left. A
// panic in f closes this connection. When more than 1,024 functions of Do wait, because a handler does not
// return or the client does not read, the connection is closed, and further ones do not run.
func (c *Conn) Do(f func()) { c.client.later(f) }

// Data returns the value of SetData, nil at first. A client that recovers its session has it again.
func (c *Conn) Data() any {
	if d := c.data.Load(); d != nil {
		return d.value
	}
	return nil
}

// SetData stores a value with the client, in the memory of this process. With several nodes, a client
// that recovers its session on another one has the JSON of the value, as a json.RawMessage, or nil if
// the value has none; other servers see it in [Broadcast.FetchConns]. What is changed in the value
// later stays here: set it again.
func (c *Conn) SetData(v any) {
	d := &connData{value: v}
	if c.client.srv.HasPeers() && v != nil {
		d.text, _ = marshal(v) // nil if it has none
	}
	c.data.Store(d)
	pid := c.session()
	if pid == "" {
		return
	}
	srv := c.client.srv
	if err := srv.hub.KeepData(notify.PIDKey(pid), d); err != nil {
		srv.noJSON.Do(func() {
			srv.log.Warn("data of clients has no JSON, so it ends with this process",
				zap.String("client", c.ID()), zap.Error(err))
		})
	}
}

// session returns the secret name of the session.
func (c *Conn) session() string {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	return c.pid
}

func (c *Conn) isConnecting() bool {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	return c.state == connecting
}

func (c *Conn) isOpen() bool {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	return c.open
}

// LastActive returns the time of the last byte from the client, including answers to pings.
func (c *Conn) LastActive() time.Time { return c.client.session.LastReceived() }

// roomName returns the name of a hub room in its namespace. The room of all clients is not visible.
func roomName(hubRoom string) (name string, visible bool) {
	_, name = rooms.Split(hubRoom)
	if id, ok := rooms.IsClient(name); ok {
		return id, true
	}
	return name, name != rooms.All
}

// hubRooms returns the hub rooms to which messages for rooms of a namespace go.
func (s *Server) hubRooms(namespace string, names []string) []string {
	hubRooms := make([]string, len(names))
	for i, name := range names {
		hubRooms[i] = s.hub.RoomIn(namespace, name)
	}
	return hubRooms
}
