package socketio

import (
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// Rooms is a snapshot of the rooms of the namespace and who is in them.
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

// Sids is a snapshot of the clients of the namespace and their rooms.
func (a *adapter) Sids() *types.Map[socket.SocketId, *types.Set[socket.Room]] {
	all := &types.Map[socket.SocketId, *types.Set[socket.Room]]{}
	for _, m := range a.members() {
		all.Store(socket.SocketId(m.ClientID()), roomsOf(m))
	}
	return all
}

func (a *adapter) members() []*notify.Member {
	return a.srv.hub.Match([]string{rooms.In(a.nsp.Name(), rooms.All)}, nil)
}

func roomsOf(m *notify.Member) *types.Set[socket.Room] {
	set := types.NewSet[socket.Room]()
	for _, name := range m.Rooms() {
		if room, visible := localRoom(name); visible {
			set.Add(room)
		}
	}
	return set
}

// Sockets are the ids of the clients in any of the rooms.
func (a *adapter) Sockets(set *types.Set[socket.Room]) *types.Set[socket.SocketId] {
	ids := types.NewSet[socket.SocketId]()
	for _, m := range a.match(&socket.BroadcastOptions{Rooms: set}) {
		ids.Add(socket.SocketId(m.ClientID()))
	}
	return ids
}

// SocketRooms are the rooms of one client, nil when it is not here.
func (a *adapter) SocketRooms(id socket.SocketId) *types.Set[socket.Room] {
	if m := a.member(id); m != nil {
		return roomsOf(m)
	}
	return nil
}

func (a *adapter) match(opts *socket.BroadcastOptions) []*notify.Member {
	to, except, _ := a.target(opts)
	return a.srv.hub.Match(to, except)
}

// FetchSockets lists the matching clients, EventSource streams included.
func (a *adapter) FetchSockets(opts *socket.BroadcastOptions) func(func([]socket.SocketDetails, error)) {
	return func(callback func([]socket.SocketDetails, error)) {
		found := []socket.SocketDetails{}
		for _, m := range a.match(opts) {
			if p, ok := m.Owner().(*peer); ok {
				if sock := p.sock(); sock != nil {
					found = append(found, sock)
				}
				continue
			}
			found = append(found, streamDetails{m})
		}
		callback(found, nil)
	}
}

// streamDetails shows an EventSource stream as the library shows its sockets.
type streamDetails struct{ m *notify.Member }

func (s streamDetails) Id() socket.SocketId            { return socket.SocketId(s.m.ClientID()) }
func (s streamDetails) Rooms() *types.Set[socket.Room] { return roomsOf(s.m) }
func (s streamDetails) Data() any                      { return nil }
func (s streamDetails) Handshake() *socket.Handshake {
	return &socket.Handshake{
		Time: s.m.ConnectedAt().Format("2006-01-02 15:04:05"), Issued: s.m.ConnectedAt().UnixMilli(),
		Auth: map[string]any{"userId": s.m.UserID(), "username": s.m.Username()},
	}
}

// AddSockets makes the matching clients join rooms.
func (a *adapter) AddSockets(opts *socket.BroadcastOptions, names []socket.Room) {
	for _, m := range a.match(opts) {
		a.AddAll(socket.SocketId(m.ClientID()), types.NewSet(names...))
	}
}

// DelSockets makes the matching clients leave rooms.
func (a *adapter) DelSockets(opts *socket.BroadcastOptions, names []socket.Room) {
	for _, m := range a.match(opts) {
		for _, name := range names {
			a.leave(m, socket.SocketId(m.ClientID()), a.hubRoom(name))
		}
	}
}

// DisconnectSockets ends the matching clients: Socket.IO clients leave the
// namespace, or close when closeAll says so, and EventSource streams end.
func (a *adapter) DisconnectSockets(opts *socket.BroadcastOptions, closeAll bool) {
	for _, m := range a.match(opts) {
		if p, ok := m.Owner().(*peer); ok {
			if sock := p.sock(); sock != nil {
				sock.Disconnect(closeAll)
			}
			continue
		}
		m.Void()
		m.Disconnect("server namespace disconnect")
	}
}
