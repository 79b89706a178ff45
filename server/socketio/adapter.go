package socketio

import (
	"errors"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"

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

// ServerSideEmit has no other server to reach.
func (a *adapter) ServerSideEmit([]any) error {
	return errors.New("this server stands alone: there is no other server to emit to")
}

// PersistSession keeps what Go code has in Data. The rest of a session is kept from
// the CONNECT on.
func (a *adapter) PersistSession(s *socket.SessionToPersist) {
	if p := a.srv.peers.get(a.nsp.Name(), string(s.Sid)); p != nil && s.Data != nil {
		a.srv.hub.KeepData(pidKey(p.pid), s.Data)
	}
}

// RestoreSession gives the library the id of a client whose CONNECT was verified
// and who missed nothing. Missed notifications come from the Hub, never from
// here: the library would write them before its middlewares have run.
func (a *adapter) RestoreSession(pid socket.PrivateSessionId, _ string) (*socket.Session, error) {
	if v, ok := a.srv.restoring.Load(string(pid)); ok && v.(*peer).recovered && v.(*peer).namespace == a.nsp.Name() {
		return v.(*peer).session(), nil
	}
	return nil, nil
}
