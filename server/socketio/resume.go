package socketio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// retireTimeout is how long a client waits for its own former connection to end.
const retireTimeout = 2 * time.Second

// maxPID is the longest secret name of a session that can exist.
const maxPID = 64

// resume reads from a CONNECT after which notification the client continues: {pid, offset} as
// socket.io-client sends them, pid alone, or `since`. It returns the pid of the session that
// a.Former continues.
func (c *Conn) resume(
	ctx context.Context, a *notify.Attachment, given auth.Credentials,
	payload map[string]json.RawMessage,
) (pid string) {
	srv := c.client.srv
	if !srv.opts.recovery() {
		return ""
	}
	pid, since := textOf(payload["pid"]), textOf(payload["offset"])
	if pid != "" && len(pid) <= maxPID {
		key := notify.PIDKey(pid)
		session, known := srv.hub.ResumeSession(ctx, key, func(s notify.Session) bool {
			return s.Foreign || s.UserID == a.UserID && s.Namespace == c.namespace
		})
		if known {
			if since == "" && !session.Cursor.IsZero() {
				since = session.Cursor.String()
			}
			a.Rooms, a.Granted = c.permitted(session), session.Granted
			a.Former = &notify.Former{ClientID: session.ClientID, Sessions: []string{key}}
		}
	}
	if srv.opts.Plain && a.Former == nil {
		return pid // as in Node: a client without a session has missed nothing
	}
	if since == "" {
		since = given.Since
	}
	if since != "" {
		cursor := notify.ParseCursor(since)
		a.Resume = &cursor
	}
	return pid
}

// startRooms adds the channels that the client joins at CONNECT: the default channels, and those of
// its session, of its tab and of its request, at most MaxRooms of them. The identity must still
// permit each.
func (c *Conn) startRooms(
	ctx context.Context, a *notify.Attachment, given auth.Credentials,
) {
	opts := &c.client.srv.opts
	if c.namespace != notify.RootNamespace {
		return
	}
	hub, kept := c.client.srv.hub, a.Rooms
	if given.SessionID != "" {
		key := notify.TabKey(a.UserID, given.SessionID)
		tab, ok := hub.ResumeSession(ctx, key, func(s notify.Session) bool {
			return s.UserID == a.UserID
		})
		if ok {
			kept = append(kept, tab.Channels...)
			a.Granted = append(a.Granted, tab.Granted...)
		}
		a.Sessions = append(a.Sessions, key)
		if a.Former != nil {
			a.Former.Sessions = append(a.Former.Sessions, key)
		}
	}
	// Rooms of "/" have the names of channels.
	hub.Admit(a, notify.Wanted{Defaults: opts.DefaultChannels, Kept: kept, Asked: given.Channels},
		c.Identity().MayJoin, opts.MaxRooms)
}

// permitted returns the rooms of a session that the present identity may join.
func (c *Conn) permitted(session notify.Session) (kept []string) {
	identity := c.Identity()
	if session.Foreign { // its names are those of an application, so the rules for clients apply
		srv := c.client.srv
		names, _ := srv.hub.Admissible(session.Channels, identity.MayJoin, srv.opts.MaxRooms)
		return srv.hub.PlacesIn(c.namespace, names...)
	}
	for _, room := range session.Channels {
		if _, name := rooms.Split(room); identity.MayJoin(name) {
			kept = append(kept, room)
		}
	}
	return kept
}

// retire closes the old connection of a client id that a new connection resumes: the newest one
// wins. It waits until the old connection has ended and reports whether it has. The id stays in use
// while a handler of the old connection runs.
func (s *Server) retire(namespace, id string) bool {
	old := s.ending.get(namespace, id)
	if m := s.hub.Member(namespace, id); m != nil {
		var ours bool
		if old, ours = m.Owner().(*Conn); !ours {
			return false
		}
		old.client.abort("resumed by another connection")
	}
	if old == nil {
		return true
	}
	timeout := time.NewTimer(retireTimeout)
	defer timeout.Stop()
	select {
	case <-old.done():
		return true
	case <-timeout.C:
		return false
	}
}

// textOf returns the value of a JSON string, or "" for any other value.
func textOf(value json.RawMessage) (s string) {
	_ = json.Unmarshal(value, &s)
	return s
}

// newID returns 120 random bits in the form of a Node server's ids: 20 characters of URL-safe
// base64.
func newID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}
