package server

import (
	"context"
	"encoding/base64"
	"errors"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// adapters makes the adapter of each namespace, static and dynamic alike.
type adapters struct{ srv *Server }

// New is called by the library for every namespace it makes.
func (a adapters) New(nsp socket.Namespace) socket.Adapter {
	a.srv.namespaces.Store(nsp.Name(), nsp)
	return &adapter{EventEmitter: events.New(), srv: a.srv, nsp: nsp}
}

// adapter shows one namespace of the Hub to the library: rooms are Hub rooms, an
// emit is a publish, and EventSource members take part. It keeps nothing itself,
// where the library's own adapter loses joins that race a leave.
type adapter struct {
	events.EventEmitter
	srv *Server
	nsp socket.Namespace
}

func (a *adapter) Prototype(socket.Adapter)   {}
func (a *adapter) Proto() socket.Adapter      { return a }
func (a *adapter) Nsp() socket.Namespace      { return a.nsp }
func (a *adapter) Construct(socket.Namespace) {}
func (a *adapter) Init()                      {}
func (a *adapter) ServerCount() int64         { return 1 }

// Close is called when a dynamic namespace has lost its last socket.
func (a *adapter) Close() { a.srv.namespaces.CompareAndDelete(a.nsp.Name(), a.nsp) }

// hubRoom names a room of this namespace in the Hub. The id of a client stands
// for its own room.
func (a *adapter) hubRoom(room socket.Room) string {
	name := string(room)
	if a.srv.hub.IsClientID(name) {
		name = rooms.Client(name)
	}
	return rooms.In(a.nsp.Name(), name)
}

func (a *adapter) hubRooms(set *types.Set[socket.Room]) []string {
	if set == nil || set.Len() == 0 {
		return nil
	}
	keys := set.Keys()
	names := make([]string, len(keys))
	for i, room := range keys {
		names[i] = a.hubRoom(room)
	}
	return names
}

// localRoom is the reverse of hubRoom; the implicit room has no name here.
func localRoom(hubRoom string) (socket.Room, bool) {
	_, name := rooms.Split(hubRoom)
	if id, ok := rooms.IsClient(name); ok {
		return socket.Room(id), true
	}
	return socket.Room(name), name != rooms.All
}

func (a *adapter) member(id socket.SocketId) *notify.Member {
	return a.srv.hub.Member(a.nsp.Name(), string(id))
}

// AddAll joins a client that is connecting or connected; ids of clients that are
// gone are refused, so that no ghost stays in a room.
func (a *adapter) AddAll(id socket.SocketId, set *types.Set[socket.Room]) {
	m := a.member(id)
	if m == nil {
		return
	}
	for _, room := range set.Keys() {
		name := a.hubRoom(room)
		if m.In(name) {
			continue
		}
		created := a.ListenerCount("create-room") > 0 && len(a.srv.hub.Match([]string{name}, nil)) == 0
		m.Join(name)
		if created {
			a.tell("create-room", room)
		}
		a.tell("join-room", room, id)
	}
}

// Del takes a client out of a room.
func (a *adapter) Del(id socket.SocketId, room socket.Room) {
	if m := a.member(id); m != nil {
		a.leave(m, id, a.hubRoom(room))
	}
}

func (a *adapter) leave(m *notify.Member, id socket.SocketId, name string) {
	if !m.In(name) {
		return
	}
	m.Leave(name)
	room, visible := localRoom(name)
	if !visible {
		return
	}
	a.tell("leave-room", room, id)
	if a.ListenerCount("delete-room") > 0 && len(a.srv.hub.Match([]string{name}, nil)) == 0 {
		a.tell("delete-room", room)
	}
}

// DelAll ends a client's membership: it has left the namespace.
func (a *adapter) DelAll(id socket.SocketId) {
	p := a.srv.peers.get(a.nsp.Name(), string(id))
	if p == nil {
		return
	}
	if m := p.hubMember(); m != nil {
		left := m.Rooms()
		m.Detach()
		for _, name := range left {
			if room, visible := localRoom(name); visible {
				a.tell("leave-room", room, id)
			}
		}
	}
	if !isDone(p.settled) { // refused, or gone while the library was joining it
		p.forget()
	}
}

// tell emits an event of the adapter: the library may be cleaning up on a
// goroutine of its own, where a panic of a listener would end the process.
func (a *adapter) tell(event events.EventName, args ...any) {
	if a.ListenerCount(event) > 0 {
		defer a.srv.recovered("adapter listener", nil)
		a.Emit(event, args...)
	}
}

// target are the Hub rooms of an emit; none means the whole namespace.
func (a *adapter) target(opts *socket.BroadcastOptions) (to, except []string, flags socket.BroadcastFlags) {
	if opts != nil {
		to, except = a.hubRooms(opts.Rooms), a.hubRooms(opts.Except)
		if opts.Flags != nil {
			flags = *opts.Flags
		}
	}
	if len(to) == 0 {
		to = []string{rooms.In(a.nsp.Name(), rooms.All)}
	}
	return to, except, flags
}

// Broadcast publishes an emit. The packet is only read: a parent namespace hands
// one to all of its children. An emit that asks for an acknowledgement is sent
// directly and is not logged.
func (a *adapter) Broadcast(p *parser.Packet, opts *socket.BroadcastOptions) {
	to, except, flags := a.target(opts)
	args, ok := p.Data.([]any)
	if !ok || len(args) == 0 {
		return
	}
	if opts != nil && opts.Rooms != nil && opts.Rooms.Len() == 1 {
		a.notifyOutgoing(to, p)
	}
	if p.Id != nil {
		a.direct(p, to, except, nil)
		return
	}
	name, _ := args[0].(string)
	m := &notify.Message{
		Namespace: a.nsp.Name(), Rooms: to, Except: except, Type: name,
		Volatile: flags.Volatile || flags.Local,
	}
	if err := encodeArgs(m, args[1:]); err != nil {
		a.srv.logEncodeError(m.Namespace, err)
		return
	}
	if _, err := a.srv.hub.Deliver(context.Background(), m); err != nil {
		a.srv.log.Error("emit was not stored", zap.String("event", name), zap.Error(err))
	}
}

// encodeArgs fills in the arguments of an emit: for EventSource with binary
// values as base64, for Socket.IO with them as attachments.
func encodeArgs(m *notify.Message, args []any) error {
	split, err := detach(args, placeholders(&m.Attachments))
	if err != nil {
		return err
	}
	if m.Args, err = marshal(split); err != nil || len(m.Attachments) == 0 {
		return err
	}
	m.BinaryArgs = m.Args
	next := 0
	inline, err := detach(args, func([]byte) any {
		next++
		return base64.StdEncoding.EncodeToString(m.Attachments[next-1])
	})
	if err != nil {
		return err
	}
	m.Args, err = marshal(inline)
	return err
}

// notifyOutgoing tells the OnAnyOutgoing listeners of the one client that an
// emit is for. Listeners of a broadcast would cost a walk through its members.
func (a *adapter) notifyOutgoing(to []string, p *parser.Packet) {
	if _, name := rooms.Split(to[0]); name != "" {
		if id, ok := rooms.IsClient(name); ok {
			if sock, ok := a.nsp.Sockets().Load(socket.SocketId(id)); ok {
				if fn := sock.NotifyOutgoingListeners(); fn != nil {
					fn(p)
				}
			}
		}
	}
}

// direct sends a packet to the Socket.IO members it matches, past the log, and
// returns how many those are. each is called for every one before it is sent.
func (a *adapter) direct(p *parser.Packet, to, except []string, each func(*socket.Socket)) (sent uint64) {
	w, err := encodeWire(byte(p.Type), a.nsp.Name(), p.Id, p.Data)
	if err != nil {
		a.srv.logEncodeError(a.nsp.Name(), err)
		return 0
	}
	for _, m := range a.srv.hub.Match(to, except) {
		peer, ok := m.Owner().(*peer)
		if !ok {
			continue
		}
		sock := peer.sock()
		if sock == nil || !peer.expects(*p.Id) {
			continue
		}
		if each != nil {
			each(sock)
		}
		peer.link.sendPacket(w)
		sent++
	}
	return sent
}

// BroadcastWithAck sends to Socket.IO members only: EventSource cannot answer.
// Server.Ask is the way without the data race in the library's counting.
func (a *adapter) BroadcastWithAck(p *parser.Packet, opts *socket.BroadcastOptions, count func(uint64), ack socket.Ack) {
	to, except, flags := a.target(opts)
	id := a.nsp.Ids()
	asked := &parser.Packet{Type: p.Type, Nsp: a.nsp.Name(), Data: p.Data, Id: &id}
	count(a.direct(asked, to, except, func(sock *socket.Socket) {
		sock.Acks().Store(id, func(args []any, err error) {
			if flags.ExpectSingleResponse {
				args = []any{args} // the library asserts the one answer to be a slice
			}
			ack(args, err)
		})
	}))
}

// ServerSideEmit has no other server to reach.
func (a *adapter) ServerSideEmit([]any) error {
	return errors.New("this server stands alone: there is no other server to emit to")
}

// PersistSession does nothing: sessions are kept from the first join on, so that
// they survive the process too.
func (a *adapter) PersistSession(*socket.SessionToPersist) {}

// RestoreSession gives the library the id of a client whose CONNECT was verified
// and who missed nothing. Missed notifications come from the Hub, never from
// here: the library would write them before its middlewares have run.
func (a *adapter) RestoreSession(pid socket.PrivateSessionId, _ string) (*socket.Session, error) {
	if v, ok := a.srv.restoring.Load(string(pid)); ok && v.(*peer).recovered && v.(*peer).namespace == a.nsp.Name() {
		return v.(*peer).session(), nil
	}
	return nil, nil
}
