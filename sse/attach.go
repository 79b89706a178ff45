package sse

import (
	"crypto/rand"
	"net/netip"
	"slices"
	"strings"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// transport is the name of this transport in `connected` and in the API.
const transport = "sse"

const root = "/" // streams are in this namespace only

// attach makes the stream a member of the Hub. It joins the default channels that it may join, the
// channels that the client requests, and those of the previous stream of its tab. It passes them to
// the Hub with the cursor, so that the replay covers them.
func (s *stream) attach(c auth.Credentials, address netip.Addr) (opens opening, err error) {
	o := &s.h.o
	channels, _ := o.Hub.Admissible(o.DefaultChannels, s.identity.MayJoin, notify.NoLimit)
	asked, denied := o.Hub.Admissible(without(c.Channels, channels), s.identity.MayJoin, o.MaxRooms)
	for _, name := range asked {
		// A clone, so that it does not keep the request line, as in newStream.
		channels = append(channels, strings.Clone(name))
	}
	opens.denied = denied
	var keys, granted []string
	if c.SessionID != "" {
		key := notify.TabKey(s.identity.RoomUser(), c.SessionID)
		keys = []string{key}
		if tab, ok := o.Hub.Session(key); ok && tab.UserID == s.identity.RoomUser() {
			granted = tab.Granted
			left := o.MaxRooms // a negative value is no limit
			if left > 0 {
				left -= len(asked)
			}
			kept, _ := o.Hub.Admissible(without(tab.Channels, channels), s.identity.MayJoin, left)
			channels = append(channels, kept...)
		}
	}
	if c.Since != "" {
		cursor := notify.ParseCursor(c.Since)
		opens.resume = &cursor
	}
	s.member, err = o.Hub.Attach(notify.Attachment{
		ClientID: s.clientID, UserID: s.identity.RoomUser(), Username: s.identity.Username,
		Namespace: root, Transport: transport, Rooms: channels, Free: o.DefaultChannels, Granted: granted,
		Resume: opens.resume, Sessions: keys, Address: address, Owner: s,
		Wake:       s.wake,
		Disconnect: func(reason string) { s.stop(ending{ordered: true, reason: reason}) },
		Drop:       s.drop,
	})
	return opens, err
}

// without returns the names that are not in others, so that each name counts once.
func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.Contains(others, name)
	})
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
