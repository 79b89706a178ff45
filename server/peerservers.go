package server

import (
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/socketio"
)

// peerServers changes the clients of a user on the other Socket.IO servers of a cluster. They obey at
// its place among the messages.
type peerServers struct{ sio *socketio.Server }

// JoinUser implements api.Servers.
func (p peerServers) JoinUser(change, userID, channel string) {
	p.of(change, userID).JoinOthers(channel)
}

// LeaveUser implements api.Servers.
func (p peerServers) LeaveUser(change, userID, channel string) {
	p.of(change, userID).LeaveOthers(channel)
}

// EndUser implements api.Servers.
func (p peerServers) EndUser(change, userID string) { p.of(change, userID).CloseOthers() }

// Made implements api.Servers.
func (p peerServers) Made(change string) { p.sio.Made(change) }

func (p peerServers) of(change, userID string) socketio.Broadcast {
	return p.sio.Of("/").To(rooms.User(userID)).Named(change)
}
