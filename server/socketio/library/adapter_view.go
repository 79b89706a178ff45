package library

import (
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/socketio"
)

// Rooms returns a snapshot of the rooms of the namespace and their members.
func (a *adapter) Rooms() *types.Map[socket.Room, *types.Set[socket.SocketId]] {
	all := &types.Map[socket.Room, *types.Set[socket.SocketId]]{}
	for _, m := range a.members() {
		for _, name := range m.Rooms() {
			if room, visible := localRoom(name); visible {
				ids, _ := all.LoadOrStore(room, types.NewSet[socket.SocketId]())
				ids.Add(socket.SocketId(m.ClientID()))
			}
		}
	}
	return all
}

// Sids returns a snapshot of the clients of the namespace and their rooms.
func (a *adapter) Sids() *types.Map[socket.SocketId, *types.Set[socket.Room]] {
	all := &types.Map[socket.SocketId, *types.Set[socket.Room]]{}
	for _, m := range a.members() {
		all.Store(socket.SocketId(m.ClientID()), roomsOf(m))
	}
	return all
}

func (a *adapter) members() []*notify.Member { return a.all().Members() }

func roomsOf(m *notify.Member) *types.Set[socket.Room] {
	set := types.NewSet[socket.Room]()
	for _, name := range m.Rooms() {
		if room, visible := localRoom(name); visible {
			set.Add(room)
		}
	}
	return set
}

// localRoom returns the name of a Hub room in its namespace. The room of all members is not
// visible.
func localRoom(hubRoom string) (socket.Room, bool) {
	_, name := rooms.Split(hubRoom)
	if id, ok := rooms.IsClient(name); ok {
		return socket.Room(id), true
	}
	return socket.Room(name), name != rooms.All
}

// Sockets returns the ids of the clients in any of the rooms.
func (a *adapter) Sockets(set *types.Set[socket.Room]) *types.Set[socket.SocketId] {
	ids := types.NewSet[socket.SocketId]()
	for _, m := range a.match(&socket.BroadcastOptions{Rooms: set}) {
		ids.Add(socket.SocketId(m.ClientID()))
	}
	return ids
}

// SocketRooms returns the rooms of one client, nil for a client that is not in the namespace. While
// the "disconnecting" handlers of a client run, it returns the last rooms of that client.
func (a *adapter) SocketRooms(id socket.SocketId) *types.Set[socket.Room] {
	if p := a.peer(id); p != nil {
		if p.hasLeft() {
			return nil
		}
		set := types.NewSet[socket.Room]()
		for _, name := range p.conn.Rooms() {
			set.Add(socket.Room(name))
		}
		return set
	}
	if m := a.f.srv.Hub().Member(a.nsp.Name(), string(id)); m != nil {
		return roomsOf(m)
	}
	return nil
}

func (a *adapter) match(opts *socket.BroadcastOptions) []*notify.Member {
	return a.target(opts).Members()
}

// socketOf returns the library's Socket of a member, nil for a member without one.
func (a *adapter) socketOf(m *notify.Member) *socket.Socket {
	if c, ok := m.Owner().(*socketio.Conn); ok {
		if p := a.f.peer(c); p != nil {
			return p.sock
		}
	}
	return nil
}

// FetchSockets lists the clients of all servers that match, including EventSource streams of this
// one.
func (a *adapter) FetchSockets(
	opts *socket.BroadcastOptions,
) func(func([]socket.SocketDetails, error)) {
	return func(callback func([]socket.SocketDetails, error)) {
		found := []socket.SocketDetails{}
		for _, m := range a.match(opts) {
			if sock := a.socketOf(m); sock != nil {
				found = append(found, sock)
				continue
			}
			found = append(found, memberDetails{m})
		}
		others, err := a.fetchOthers(opts)
		callback(append(found, others...), err)
	}
}

// memberDetails describes a member without a Socket, such as an EventSource stream, in the form in
// which the library describes its Sockets.
type memberDetails struct{ m *notify.Member }

func (s memberDetails) Id() socket.SocketId            { return socket.SocketId(s.m.ClientID()) }
func (s memberDetails) Rooms() *types.Set[socket.Room] { return roomsOf(s.m) }
func (s memberDetails) Data() any                      { return nil }
func (s memberDetails) Handshake() *socket.Handshake {
	return &socket.Handshake{
		Time:   s.m.ConnectedAt().Format("2006-01-02 15:04:05"),
		Issued: s.m.ConnectedAt().UnixMilli(),
		Auth:   map[string]any{"userId": s.m.UserID(), "username": s.m.Username()},
	}
}

// AddSockets adds the clients that match to rooms.
func (a *adapter) AddSockets(opts *socket.BroadcastOptions, names []socket.Room) {
	a.target(opts).Join(namesOf(types.NewSet(names...))...)
}

// DelSockets removes the clients that match from rooms.
func (a *adapter) DelSockets(opts *socket.BroadcastOptions, names []socket.Room) {
	a.target(opts).Leave(namesOf(types.NewSet(names...))...)
}

// DisconnectSockets disconnects the clients that match. Socket.IO clients leave the namespace, or
// close their transport when closeAll is true; EventSource streams end. The handlers of a client
// run after its earlier events.
func (a *adapter) DisconnectSockets(opts *socket.BroadcastOptions, closeAll bool) {
	if closeAll {
		a.target(opts).CloseTransport()
		return
	}
	a.target(opts).Close()
}
