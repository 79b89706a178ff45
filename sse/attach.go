package sse

import (
	"context"
	"crypto/rand"
	"net/netip"
	"slices"
	"strings"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// transport is the name of this transport in `connected` and in the API.
const transport = "sse"

const root = "/" // streams are in this namespace only

// attach makes the stream a member of the Hub. It joins the default channels that it may join, the
// channels that the client requests, and those of the previous stream of its tab. It passes them to
// the Hub with the cursor, so that the replay covers them.
func (s *stream) attach(
	c auth.Credentials, tab tab, resume *notify.Cursor, address netip.Addr,
) (opens opening, err error) {
	o := &s.h.o
	s.address = address
	a := notify.Attachment{
		ClientID: s.clientID, UserID: s.identity.RoomUser(), Username: s.identity.Username,
		Namespace: root, Transport: transport, Address: address, Owner: s, Resume: resume,
		Wake:       s.wakeFor,
		Disconnect: func(reason string) { s.stop(ending{ordered: true, reason: reason}) },
		Drop:       s.drop,
	}
	wanted := notify.Wanted{Defaults: o.DefaultChannels}
	for _, name := range c.Channels {
		// A clone, so that it does not keep the request line, as in newStream.
		wanted.Asked = append(wanted.Asked, strings.Clone(name))
	}
	if tab.key != "" {
		a.Sessions = []string{tab.key}
	}
	wanted.Kept = tab.session.Channels
	a.Granted = slices.Concat(o.Hub.PlacesIn(root, s.identity.Rooms...), tab.session.Granted)
	opens.denied = o.Hub.Admit(&a, wanted, s.identity.MayJoin, o.MaxRooms)
	opens.resume = resume
	s.member, err = o.Hub.Attach(a)
	return opens, err
}

// tab is the session of a browser tab.
type tab struct {
	key     string         // "" for a stream without one
	session notify.Session // of the stream before, if there was one
}

// tabOf returns the tab that a request names. It can wait for another node.
func (s *stream) tabOf(ctx context.Context, c auth.Credentials) (t tab) {
	if c.SessionID == "" {
		return t
	}
	user := s.identity.RoomUser()
	t.key = notify.TabKey(user, c.SessionID)
	t.session, _ = s.h.o.Hub.ResumeSession(ctx, t.key, func(of notify.Session) bool {
		return of.UserID == user
	})
	return t
}

// newClientID returns the tag of the server and a random id.
func (h *Handler) newClientID() string {
	id := rooms.ClientID(newClientID)
	if h.o.Tag == nil {
		return id
	}
	return h.o.Tag() + id
}

// newClientID returns 20 random letters and digits: 119 bits, so that only a client that received
// an id knows it.
func newClientID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	// Larger bytes would favour the first letters.
	const fair = 256 / len(letters) * len(letters)
	id := make([]byte, 0, 20)
	for buf := make([]byte, 32); ; {
		_, _ = rand.Read(buf) // never fails
		for _, b := range buf {
			if int(b) < fair {
				if id = append(id, letters[int(b)%len(letters)]); len(id) == cap(id) {
					return string(id)
				}
			}
		}
	}
}
