package socketio

import (
	"context"
	"fmt"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/rooms"
)

// Broadcast selects clients of one namespace: the clients in any room given to To, or all without
// To, except the clients in a room given to Except. EventSource streams are clients of "/". With
// Options.Peers, clients of other servers are selected, too, unless a method says otherwise. A
// Broadcast is a value: its methods return a new one and change nothing, so it can be stored and
// shared.
type Broadcast struct {
	srv        *Server
	namespace  string
	to, except []string // hub rooms
	volatile   bool
	local      bool   // not the clients of other servers
	change     string // see Named
}

// To returns a broadcast to rooms of "/"; without rooms, to every client of "/".
func (s *Server) To(names ...string) Broadcast { return s.In(notify.RootNamespace).To(names...) }

// To adds rooms. The ID of a client names the room of that client.
func (b Broadcast) To(names ...string) Broadcast {
	b.to = append(b.to[:len(b.to):len(b.to)], b.srv.hubRooms(b.namespace, names)...)
	return b
}

// Except excludes the clients in rooms. The ID of a client excludes that client.
func (b Broadcast) Except(names ...string) Broadcast {
	b.except = append(b.except[:len(b.except):len(b.except)], b.srv.hubRooms(b.namespace, names)...)
	return b
}

// Volatile makes Emit store nothing: a client that is disconnected or lags does not get the event.
func (b Broadcast) Volatile() Broadcast {
	b.volatile = true
	return b
}

func (b Broadcast) rooms() []string {
	if len(b.to) == 0 {
		return []string{rooms.In(b.namespace, rooms.All)}
	}
	return b.to
}

// Emit sends an event and returns a receipt; see Conn.Emit for the arguments. With an error nothing
// was sent: the event name is reserved, an argument cannot be encoded, or the event could not be
// stored (notify.ErrUnavailable).
func (b Broadcast) Emit(event string, args ...any) (notify.Receipt, error) {
	if err := notify.CheckEvent(event); err != nil {
		return notify.Receipt{}, err
	}
	m := &notify.Message{
		Namespace: b.namespace, Rooms: b.rooms(), Except: b.except, Type: event,
		Volatile: b.volatile, Local: b.local,
	}
	if err := encodeArgs(m, args); err != nil {
		return notify.Receipt{}, fmt.Errorf("socketio: emit %q: %w", event, err)
	}
	return b.srv.hub.Deliver(context.Background(), m)
}

// Conns returns the selected Socket.IO clients of this server, in no particular order. FetchConns
// returns those of all servers.
func (b Broadcast) Conns() []*Conn {
	var conns []*Conn
	for _, m := range b.Members() {
		if c := connOf(m); c != nil && !c.isConnecting() {
			conns = append(conns, c)
		}
	}
	return conns
}

// connOf returns the Conn of a member, nil for an EventSource stream.
func connOf(m *notify.Member) *Conn {
	c, _ := m.Owner().(*Conn)
	return c
}

// Members returns the Hub's members of the selected clients of this server, including EventSource
// streams, in no particular order.
func (b Broadcast) Members() []*notify.Member { return b.srv.hub.Match(b.rooms(), b.except) }

// Named names the next change of clients of other servers. It is for a caller that asks Roomcast nodes
// for the same change in another way, too: a node that has called Server.Made makes it once.
func (b Broadcast) Named(change string) Broadcast {
	b.change = change
	return b
}

// Join adds the selected clients of all servers to rooms of the namespace, see Conn.Join. Those of
// other servers join at this place in the order of the messages.
func (b Broadcast) Join(names ...string) {
	hubRooms := b.srv.hub.PlacesIn(b.namespace, names...)
	for _, m := range b.Members() {
		m.Join(hubRooms...)
	}
	b.JoinOthers(names...)
}

// JoinOthers is Join without the clients of this server.
func (b Broadcast) JoinOthers(names ...string) {
	b.tell(&nodewire.Entry{Type: nodewire.TypeJoin, Rooms: names})
}

// Leave removes the selected clients of all servers from rooms, see Conn.Leave.
func (b Broadcast) Leave(names ...string) {
	hubRooms := b.srv.hub.PlacesIn(b.namespace, names...)
	for _, m := range b.Members() {
		m.Leave(hubRooms...)
	}
	b.LeaveOthers(names...)
}

// LeaveOthers is Leave without the clients of this server.
func (b Broadcast) LeaveOthers(names ...string) {
	b.tell(&nodewire.Entry{Type: nodewire.TypeLeave, Rooms: names})
}

// Close disconnects the selected clients of all servers from the namespace, see Conn.Close. It ends
// EventSource streams.
func (b Broadcast) Close() { b.close(false) }

// CloseTransport is Close, and closes the connections of the selected Socket.IO clients, see
// Conn.CloseTransport.
func (b Broadcast) CloseTransport() { b.close(true) }

func (b Broadcast) close(transport bool) {
	disconnect(b.Members(), transport)
	b.closeOthers(transport)
}

// CloseOthers is CloseTransport without the clients of this server.
func (b Broadcast) CloseOthers() { b.closeOthers(true) }

func (b Broadcast) closeOthers(transport bool) {
	b.tell(&nodewire.Entry{Type: nodewire.TypeDisconnect, Close: transport})
}

func disconnect(members []*notify.Member, transport bool) {
	for _, m := range members {
		switch c := connOf(m); {
		case c == nil:
			m.Void()
			m.Disconnect(ReasonServerClosed)
		case transport && !c.isConnecting():
			c.CloseTransport()
		default:
			c.Close()
		}
	}
}

// In returns a broadcast to all clients of a namespace. The namespace needs no handlers.
func (s *Server) In(namespace string) Broadcast { return Broadcast{srv: s, namespace: namespace} }
