package sse

import (
	"crypto/rand"
	"slices"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// transport is what the members of this package are called in connected and in the API.
const transport = "sse"

const root = "/" // streams see this namespace only

// attach makes the stream a member: of the default channels it may join, of those it asks for, and of those its tab
// joined later the last time. Rooms are given to the Hub with the cursor, so that a replay covers them. denied are
// the names asked for and refused.
func (s *stream) attach(c auth.Credentials) (denied []string, err error) {
	o := s.h.o
	channels, _ := o.Hub.Admissible(o.DefaultChannels, s.identity.MayJoin, notify.NoLimit)
	asked, denied := o.Hub.Admissible(without(c.Channels, channels), s.identity.MayJoin, o.MaxRooms)
	channels = append(channels, asked...)
	var keys, granted []string
	if c.SessionID != "" {
		key := notify.TabKey(s.identity.RoomUser(), c.SessionID)
		keys = []string{key}
		if tab, ok := o.Hub.Session(key); ok && tab.UserID == s.identity.RoomUser() {
			granted = tab.Granted
			left := o.MaxRooms // a negative one is no limit
			if left > 0 {
				left -= len(asked)
			}
			kept, _ := o.Hub.Admissible(without(tab.Channels, channels), s.identity.MayJoin, left)
			channels = append(channels, kept...)
		}
	}
	if c.Since != "" {
		cursor := notify.ParseCursor(c.Since)
		s.resume = &cursor
	}
	s.member, err = o.Hub.Attach(notify.Attachment{
		ClientID: s.clientID, UserID: s.identity.RoomUser(), Username: s.identity.Username,
		Namespace: root, Transport: transport, Rooms: channels, Granted: granted, Resume: s.resume, Sessions: keys, Owner: s,
		Wake:       s.awake,
		Disconnect: func(reason string) { s.stop(ending{ordered: true, reason: reason}) },
	})
	return denied, err
}

// awake makes the stream look for something to do; it never blocks.
func (s *stream) awake() {
	select {
	case s.wake <- struct{}{}:
	default: // awake already
	}
}

// without returns the names that are not among others, so that these do not count twice.
func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}

// newClientID returns 20 random letters and digits: 119 bits, so that knowing one is a proof of having been told it.
func newClientID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	const fair = 256 / len(letters) * len(letters) // bytes from here on would favour the first letters
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
