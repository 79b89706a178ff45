package auth

import (
	"encoding/json"
	"time"

	"github.com/roomcast/roomcast/rooms"
)

// Anonymous is the user id and the name of an anonymous connection. No user room belongs to it.
const Anonymous = "anonymous"

// Identity is a connection's user and rights. It is a value that may be copied; compare its
// exported fields only. The zero Identity may join and publish nothing.
type Identity struct {
	UserID   string // "anonymous" when Anonymous; a user may have that id too, see RoomUser
	Username string // to show; it proves nothing

	Anonymous bool // the connection has no user
	Verified  bool // a token or ticket proved UserID

	// ExpiresAt is the time by which the connection needs a new token; the zero time means never.
	// When a token is accepted within the leeway after its expiry, ExpiresAt is the end of the
	// leeway, so that the connection is not closed at once.
	ExpiresAt time.Time

	Rooms []string        // of the [Hook]: the connection joins them, whatever it may join itself
	Data  json.RawMessage // of the Hook: data of the connection, an object; nil: none

	open    bool     // open mode: any channel
	join    patterns // token mode
	publish patterns
	public  patterns

	question *Question // that the Hook is asked again after ExpiresAt; nil: it cannot be
}

// RoomUser returns the user id whose room the connection is in, "" for an anonymous connection.
func (id Identity) RoomUser() string {
	if id.Anonymous {
		return ""
	}
	return id.UserID
}

// MayJoin reports whether the connection may join the channel. Open mode allows every channel;
// the other modes allow those that match the channels of the token, the ticket or the hook's answer,
// or [Options.PublicChannels].
// Neither allows a room of the server or a name that breaks the rules of channels. The caller must
// also check that the channel is not a client's id.
func (id Identity) MayJoin(channel string) bool {
	if rooms.CheckChannel("channel", channel) != nil {
		return false
	}
	return id.open || id.join.match(channel) || id.public.match(channel)
}

// MayPublish reports whether the connection may send to the channel. Open mode allows every
// channel; the other modes allow those that match the publish patterns of the token or of the hook's
// answer.
func (id Identity) MayPublish(channel string) bool {
	if rooms.CheckChannel("channel", channel) != nil {
		return false
	}
	return id.open || id.publish.match(channel)
}

// Expired reports whether the token of the identity has expired.
func (id Identity) Expired(now time.Time) bool {
	return !id.ExpiresAt.IsZero() && !now.Before(id.ExpiresAt)
}
