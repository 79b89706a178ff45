package server

import (
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/socketio"
)

// peerServers changes the clients of a user on the other Socket.IO servers of a cluster. They obey at
// its place among the messages.
type peerServers struct{ sio *socketio.Server }

// JoinUser implements api.Servers.
func (p peerServers) JoinUser(userID, channel string) { p.of(userID).JoinOthers(channel) }

// LeaveUser implements api.Servers.
func (p peerServers) LeaveUser(userID, channel string) { p.of(userID).LeaveOthers(channel) }

// EndUser implements api.Servers.
func (p peerServers) EndUser(userID string) { p.of(userID).CloseOthers() }

func (p peerServers) of(userID string) socketio.Broadcast {
	return p.sio.Of("/").To(rooms.User(userID))
}
