package api

import (
	"cmp"
	"slices"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// connectionView is the JSON of one connection, for all transports.
type connectionView struct {
	ClientID    string   `json:"clientId"`
	Transport   string   `json:"transport"` // "websocket", "polling" or "sse"
	UserID      string   `json:"userId"`    // "anonymous" without a user
	Username    string   `json:"username"`
	Rooms       []string `json:"rooms"`       // channels, user:<id> and client:<id>, sorted
	ConnectedAt string   `json:"connectedAt"` // UTC, with milliseconds
	LastActive  string   `json:"lastActive"`  // see active
	Queue       int      `json:"queue"`       // notifications that wait for the writer, at most 64
	Lag         uint64   `json:"lag"`         // log entries to read while it lags, or 0
}

// active is implemented by the owners of members that know when their connection was last active:
// in Socket.IO when the last byte arrived, in EventSource when the last write succeeded.
type active interface{ LastActive() time.Time }

// viewOf returns the view of a member. It takes one lock and copies the rooms.
func viewOf(m *notify.Member) connectionView {
	status := m.Status()
	view := connectionView{
		ClientID: m.ClientID(), Transport: status.Transport,
		UserID: cmp.Or(m.UserID(), auth.Anonymous), Username: m.Username(),
		Rooms:       make([]string, 0, len(status.Rooms)),
		ConnectedAt: notify.Timestamp(m.ConnectedAt()),
		LastActive:  notify.Timestamp(m.ConnectedAt()),
		Queue:       status.Pending, Lag: status.Lag,
	}
	for _, hubRoom := range status.Rooms {
		// A connection of "/" has no rooms of other namespaces.
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
