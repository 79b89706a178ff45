package server

import (
	"cmp"
	"slices"
	"time"

	"go.uber.org/zap"

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

// connection shows a member. It is cheap enough for a page of them: one lock and
// the copy of its rooms.
func (s *Service) connection(m *notify.Member) connectionView {
	status := m.Status()
	view := connectionView{
		ClientID: m.ClientID(), Transport: status.Transport,
		UserID: cmp.Or(m.UserID(), auth.Anonymous), Username: m.Username(),
		Rooms:       make([]string, 0, len(status.Rooms)),
		ConnectedAt: timestamp(m.ConnectedAt()), LastActive: timestamp(m.ConnectedAt()),
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
		view.LastActive = timestamp(owner.LastActive())
	}
	return view
}

// LastActive is when the last byte came from the client, answers to pings
// included.
func (p *peer) LastActive() time.Time { return p.link.session.LastReceived() }

// logConnections writes a line, at debug level, for each connection that begins
// and ends, in each namespace. It names the client and its user; what proved who
// it is is not known here any more.
func logConnections(hub *notify.Hub, log *zap.Logger) {
	if !log.Core().Enabled(zap.DebugLevel) {
		return
	}
	hub.OnAttach(func(m *notify.Member) {
		fields := connectionFields(m)
		if from, resumed := m.Resumed(); resumed {
			fields = append(fields, zap.String("resumes_from", from)) // "": what came was no id
		}
		log.Debug("connected", fields...)
	})
	hub.OnDetach(func(m *notify.Member) {
		log.Debug("disconnected", append(connectionFields(m), zap.Duration("after", time.Since(m.ConnectedAt())))...)
	})
}

func connectionFields(m *notify.Member) []zap.Field {
	return []zap.Field{
		zap.String("client", m.ClientID()), zap.String("namespace", m.Namespace()),
		zap.String("transport", m.Transport()), zap.String("user", logValue(m.UserID())),
	}
}

// logClose tells why a transport is gone, with the clients that it carried. Streams
// tell it themselves.
func (l *link) logClose(reason string, peers []*peer) {
	if !l.srv.log.Core().Enabled(zap.DebugLevel) {
		return
	}
	fields := []zap.Field{
		zap.String("transport", l.session.Transport()), zap.String("reason", reason), zap.Strings("clients", clientsOf(peers)),
	}
	if cause := l.cause.Load(); cause != nil {
		fields = append(fields, zap.String("cause", logValue(*cause)))
	}
	l.srv.log.Debug("connection closed", fields...)
}

// logUpgrade tells that a connection moved on to another transport.
func (l *link) logUpgrade(from, to string, peers []*peer) {
	if l.srv.log.Core().Enabled(zap.DebugLevel) {
		l.srv.log.Debug("upgraded", zap.String("from", from), zap.String("transport", to), zap.Strings("clients", clientsOf(peers)))
	}
}

// clientsOf are the ids of a connection's clients, one in each namespace.
func clientsOf(peers []*peer) []string {
	clients := make([]string, 0, len(peers))
	for _, p := range peers {
		if m := p.hubMember(); m != nil {
			clients = append(clients, m.ClientID())
		}
	}
	return clients
}

// end closes the transport for a reason of ours that the engine has no word for.
// The log tells it; handlers see the engine's.
func (l *link) end(cause string) {
	l.cause.CompareAndSwap(nil, &cause)
	l.session.Close(reasonForced)
}
