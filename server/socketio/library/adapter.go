package library

import (
	"errors"
	"sync"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/socketio"
)

// adapters makes the adapter of each namespace, static and dynamic alike.
type adapters struct{ f *facade }

// New is called by the library for every namespace that it makes.
func (a adapters) New(nsp socket.Namespace) socket.Adapter {
	a.f.namespaces.Store(nsp.Name(), newNamespace(a.f, nsp))
	return &adapter{EventEmitter: events.New(), f: a.f, nsp: nsp}
}

// adapter shows one namespace of the Hub to the library: rooms are Hub rooms, an emit is a publish, and EventSource
// members take part. It keeps nothing itself.
type adapter struct {
	events.EventEmitter
	f   *facade
	nsp socket.Namespace

	watching sync.Once
}

func (a *adapter) Prototype(socket.Adapter)   {}
func (a *adapter) Proto() socket.Adapter      { return a }
func (a *adapter) Nsp() socket.Namespace      { return a.nsp }
func (a *adapter) Construct(socket.Namespace) {}
func (a *adapter) Init()                      {}
func (a *adapter) ServerCount() int64         { return 1 }

// Close is called when a dynamic namespace has lost its last socket.
func (a *adapter) Close() {
	a.f.watchers.CompareAndDelete(a.nsp.Name(), a)
	if n, ok := a.f.namespaces.Load(a.nsp.Name()); ok && n.(*namespace).nsp == a.nsp {
		a.f.namespaces.CompareAndDelete(a.nsp.Name(), n)
	}
}

// all is a broadcast to the namespace.
func (a *adapter) all() socketio.Broadcast { return a.f.srv.In(a.nsp.Name()) }

// target are the clients that an emit is for.
func (a *adapter) target(opts *socket.BroadcastOptions) socketio.Broadcast {
	if opts == nil {
		return a.all()
	}
	return a.all().To(namesOf(opts.Rooms)...).Except(namesOf(opts.Except)...)
}

func namesOf(set *types.Set[socket.Room]) []string {
	if set == nil {
		return nil
	}
	keys := set.Keys()
	names := make([]string, len(keys))
	for i, room := range keys {
		names[i] = string(room)
	}
	return names
}

// AddAll joins a client that is connecting or connected; the ids of clients that are gone join nothing.
func (a *adapter) AddAll(id socket.SocketId, set *types.Set[socket.Room]) {
	a.all().To(string(id)).Join(namesOf(set)...)
}

// Del takes a client out of a room.
func (a *adapter) Del(id socket.SocketId, room socket.Room) {
	a.all().To(string(id)).Leave(string(room))
}

// DelAll is called when the library lets go of a Socket.
func (a *adapter) DelAll(id socket.SocketId) {
	if p := a.peer(id); p != nil {
		p.clean()
	}
}

// peer finds the peer of a Socket by its id, also while it is made and when its client has left the Hub.
func (a *adapter) peer(id socket.SocketId) *peer {
	if sock, ok := a.nsp.Sockets().Load(id); ok {
		if p := a.f.peerOf(sock); p != nil {
			return p
		}
	}
	if p, ok := a.f.restoring.Load(string(id)); ok {
		return p.(*peer)
	}
	return nil
}

// ServerSideEmit has no other server to reach, and says so to the caller and in the log: the library's own examples do
// not look at the error.
func (a *adapter) ServerSideEmit(args []any) error {
	err := errors.New("this server stands alone: there is no other server to emit to")
	a.f.log.Error("ServerSideEmit was refused", zap.Error(err))
	return err
}

// PersistSession keeps what Go code has in Data. The rest of a session is kept from the CONNECT on.
func (a *adapter) PersistSession(s *socket.SessionToPersist) {
	if p := a.peer(s.Sid); p != nil && s.Data != nil {
		p.conn.SetData(s.Data)
	}
}

// RestoreSession gives a Socket the id of its client, and the data of one that recovers. The rooms and what was missed
// are the Hub's.
func (a *adapter) RestoreSession(pid socket.PrivateSessionId, _ string) (*socket.Session, error) {
	p, ok := a.f.restoring.Load(string(pid))
	if !ok {
		return nil, errors.New("library: no such client is connecting")
	}
	conn := p.(*peer).conn
	return &socket.Session{SessionToPersist: &socket.SessionToPersist{
		Sid: socket.SocketId(conn.ID()), Pid: pid, Rooms: types.NewSet[socket.Room](), Data: conn.Data(),
	}}, nil
}

// On, AddListener and Once begin to follow the rooms with the first listener.

func (a *adapter) On(name events.EventName, fn ...events.Listener) error {
	a.watching.Do(a.watch)
	return a.EventEmitter.On(name, fn...)
}

func (a *adapter) AddListener(name events.EventName, fn ...events.Listener) error {
	return a.On(name, fn...)
}

func (a *adapter) Once(name events.EventName, fn ...events.Listener) error {
	a.watching.Do(a.watch)
	return a.EventEmitter.Once(name, fn...)
}

// watch makes the adapter emit create-room, join-room, leave-room and delete-room for every change, whoever made it.
func (a *adapter) watch() {
	a.f.watchers.Store(a.nsp.Name(), a)
	a.f.srv.Hub().OnRoomChange(a.f.roomChanged)
}

// roomChanged tells the adapter of the namespace.
func (f *facade) roomChanged(c notify.RoomChange) {
	namespace, _ := rooms.Split(c.Room)
	if a, watching := f.watchers.Load(namespace); watching {
		a.(*adapter).roomChanged(c)
	}
}

func (a *adapter) roomChanged(c notify.RoomChange) {
	room, visible := localRoom(c.Room)
	if !visible {
		return
	}
	id := socket.SocketId(c.Member.ClientID())
	switch c.Kind {
	case notify.RoomCreated:
		a.tell("create-room", room)
	case notify.RoomJoined:
		a.tell("join-room", room, id)
	case notify.RoomLeft:
		a.tell("leave-room", room, id)
	case notify.RoomDeleted:
		a.tell("delete-room", room)
	}
}

// tell emits an event of the adapter. A panic of a listener ends nothing else.
func (a *adapter) tell(event events.EventName, args ...any) {
	defer a.f.recovered("adapter listener")
	a.Emit(event, args...)
}
