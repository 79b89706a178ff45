package api

import (
	"cmp"
	"slices"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// connectionView is one connection as the API shows it, the same for both
// transports.
type connectionView struct {
	ClientID    string   `json:"clientId"`
	Transport   string   `json:"transport"` // "websocket", "polling" or "sse"
	UserID      string   `json:"userId"`    // "anonymous" without a user
	Username    string   `json:"username"`
	Rooms       []string `json:"rooms"`       // channels, user:<id> and client:<id>, sorted
	ConnectedAt string   `json:"connectedAt"` // UTC, milliseconds
	LastActive  string   `json:"lastActive"`  // Socket.IO: the last byte received; EventSource: the last successful write
	Queue       int      `json:"queue"`       // notifications that wait to be written, at most 64
	Lag         uint64   `json:"lag"`         // log entries behind when it reads from history, else 0
}

// active is what a transport's own object can tell of its connection.
type active interface{ LastActive() time.Time }

// viewOf shows a member. It is cheap enough for a page of them: one lock and
// the copy of its rooms.
func viewOf(m *notify.Member) connectionView {
	status := m.Status()
	view := connectionView{
		ClientID: m.ClientID(), Transport: status.Transport,
		UserID: cmp.Or(m.UserID(), auth.Anonymous), Username: m.Username(),
		Rooms:       make([]string, 0, len(status.Rooms)),
		ConnectedAt: notify.Timestamp(m.ConnectedAt()), LastActive: notify.Timestamp(m.ConnectedAt()),
		Queue: status.Pending, Lag: status.Lag,
	}
	for _, hubRoom := range status.Rooms {
		// A connection of "/" may be in rooms of no other namespace.
		if _, name := rooms.Split(hubRoom); name != rooms.All {
			view.Rooms = append(view.Rooms, name)
		}
	}
	slices.Sort(view.Rooms)
	if owner, ok := m.Owner().(active); ok {
		view.LastActive = notify.Timestamp(owner.LastActive())
	}
	return view
}
