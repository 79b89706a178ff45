package sse

import (
	"crypto/rand"
	"slices"
	"strconv"

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
	channels, _ := s.admissible(o.DefaultChannels, len(o.DefaultChannels))
	asked, denied := s.admissible(c.Channels, o.MaxRooms)
	channels = append(channels, asked...)
	key := ""
	if c.SessionID != "" {
		key = tabKey(s.identity.RoomUser(), c.SessionID)
		if tab, ok := o.Hub.Session(key); ok && tab.UserID == s.identity.RoomUser() {
			kept, _ := s.admissible(tab.Channels, o.MaxRooms-len(asked))
			channels = append(channels, kept...)
		}
	}
	if c.Since != "" {
		cursor := notify.ParseCursor(c.Since)
		s.resume = &cursor
	}
	s.member, err = o.Hub.Attach(notify.Attachment{
		ClientID: s.clientID, UserID: s.identity.RoomUser(), Username: s.identity.Username,
		Namespace: root, Transport: transport, Rooms: channels, Resume: s.resume, Session: key, Owner: s,
		Wake: func() {
			select {
			case s.wake <- struct{}{}:
			default: // awake already
			}
		},
		Disconnect: func(reason string) { s.stop(ending{ordered: true, reason: reason}) },
	})
	return denied, err
}

// admissible picks the channels that the stream may join, at most limit; denied are the others. Nobody joins a name
// that is or was a client id: messages to it are meant for one connection.
func (s *stream) admissible(channels []string, limit int) (allowed, denied []string) {
	for _, name := range channels {
		switch {
		case slices.Contains(allowed, name):
		case len(allowed) < limit && s.identity.MayJoin(name) && !s.h.o.Hub.IsClientID(name):
			allowed = append(allowed, name)
		default:
			denied = append(denied, name)
		}
	}
	return allowed, denied
}

// tabKey names the session of a tab. The length keeps two users apart whose ids and tabs hold colons.
func tabKey(userID, sessionID string) string {
	return "tab:" + strconv.Itoa(len(userID)) + ":" + userID + ":" + sessionID
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
