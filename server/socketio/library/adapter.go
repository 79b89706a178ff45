package library

import (
	"errors"
	"sync"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/socketio"
)

// adapters makes the adapter of each namespace, static and dynamic alike.
type adapters struct{ f *facade }

// New returns the adapter of a namespace. The library calls it for every namespace that it creates.
func (a adapters) New(nsp socket.Namespace) socket.Adapter {
	a.f.namespaces.Store(nsp.Name(), newNamespace(a.f, nsp))
	return &adapter{EventEmitter: events.New(), f: a.f, nsp: nsp}
}

// adapter shows one namespace of the Hub to the library: rooms are rooms of the Hub, an emit is a
// publish, and EventSource members take part. The adapter itself stores nothing.
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

// Close removes the namespace. The library calls it when a dynamic namespace loses its last Socket.
func (a *adapter) Close() {
	a.f.watchers.CompareAndDelete(a.nsp.Name(), a)
	if n, ok := a.f.namespaces.Load(a.nsp.Name()); ok && n.(*namespace).nsp == a.nsp {
		a.f.namespaces.CompareAndDelete(a.nsp.Name(), n)
	}
}

// all is a broadcast to the namespace.
func (a *adapter) all() socketio.Broadcast { return a.f.srv.In(a.nsp.Name()) }

// target returns the clients that an emit addresses.
func (a *adapter) target(opts *socket.BroadcastOptions) socketio.Broadcast {
	if opts == nil {
		return a.all()
	}
	to := a.all().To(namesOf(opts.Rooms)...).Except(namesOf(opts.Except)...)
	if isLocal(opts) {
		to = to.Local()
	}
	return to
}

func isLocal(opts *socket.BroadcastOptions) bool {
	return opts != nil && opts.Flags != nil && opts.Flags.Local
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

// AddAll adds a client that is connecting or connected to rooms. It ignores ids of other clients.
func (a *adapter) AddAll(id socket.SocketId, set *types.Set[socket.Room]) {
	a.all().To(string(id)).Local().Join(namesOf(set)...)
}

// Del removes a client from a room.
func (a *adapter) Del(id socket.SocketId, room socket.Room) {
	a.all().To(string(id)).Local().Leave(string(room))
}

// DelAll removes a client from all rooms. The library calls it when it removes the Socket.
func (a *adapter) DelAll(id socket.SocketId) {
	if p := a.peer(id); p != nil {
		p.clean()
	}
}

// peer finds the peer of a Socket by its id, also while the library creates the Socket and after
// the client has left the Hub.
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

// PersistSession keeps the data of the Socket. The Hub keeps the rest of the session since CONNECT.
func (a *adapter) PersistSession(s *socket.SessionToPersist) {
	if p := a.peer(s.Sid); p != nil && s.Data != nil {
		p.conn.SetData(s.Data)
	}
}

// RestoreSession gives a Socket the id of its client, and the data of a client that recovers. The
// Hub restores the rooms and sends the missed notifications.
func (a *adapter) RestoreSession(pid socket.PrivateSessionId, _ string) (*socket.Session, error) {
	p, ok := a.f.restoring.Load(string(pid))
	if !ok {
		return nil, errors.New("library: no client with this pid is connecting")
	}
	conn := p.(*peer).conn
	return &socket.Session{SessionToPersist: &socket.SessionToPersist{
		Sid: socket.SocketId(conn.ID()), Pid: pid, Rooms: types.NewSet[socket.Room](),
		Data: conn.Data(),
	}}, nil
}

// On, AddListener and Once start to observe the rooms when the first listener is added.

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

// watch makes the adapter emit create-room, join-room, leave-room and delete-room for every change,
// whatever its cause.
func (a *adapter) watch() {
	a.f.watchers.Store(a.nsp.Name(), a)
	a.f.observing.Do(func() { a.f.srv.Hub().OnRoomChange(a.f.roomChanged) })
}

// roomChanged passes a change to the adapter of its namespace.
func (f *facade) roomChanged(c notify.RoomChange) {
	namespace, _ := rooms.Split(c.Room)
	if a, watching := f.watchers.Load(namespace); watching {
		a.(*adapter).roomChanged(c)
	}
}

func (a *adapter) roomChanged(c notify.RoomChange) {
	room, visible := localRoom(c.Room)
	if !visible || a.isSecond(c) {
		return
	}
	id := socket.SocketId(c.Member.ClientID())
	switch c.Kind {
	case notify.RoomCreated:
		a.emit("create-room", room)
	case notify.RoomJoined:
		a.emit("join-room", room, id)
	case notify.RoomLeft:
		a.emit("leave-room", room, id)
	case notify.RoomDeleted:
		a.emit("delete-room", room)
	}
}

// isSecond reports whether a change is about the second of two hub rooms with one name, see
// notify.Hub.PlacesIn.
func (a *adapter) isSecond(c notify.RoomChange) bool {
	_, name := rooms.Split(c.Room)
	id, isClient := rooms.IsClient(name)
	return isClient && id != c.Member.ClientID() && len(a.f.srv.Hub().PlacesIn(a.nsp.Name(), id)) > 1
}

// emit emits an event of the adapter. A panic of a listener does not reach the caller.
func (a *adapter) emit(event events.EventName, args ...any) {
	defer a.f.recovered("adapter listener")
	a.Emit(event, args...)
}
