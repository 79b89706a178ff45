package auth

import (
	"time"

	"github.com/roomcast/roomcast/rooms"
)

// Anonymous is the user id and the name that an anonymous connection shows. It owns no user room.
const Anonymous = "anonymous"

// Identity is who a connection is and what it may do. It is a value: copy it, compare nothing but its fields.
// The zero Identity may join and publish nothing.
type Identity struct {
	UserID   string // "anonymous" when Anonymous, which a user may be called too: use RoomUser
	Username string // to be shown; never a proof of anything

	Anonymous bool // nobody in particular
	Verified  bool // a token proved UserID, else the client was believed

	// ExpiresAt is when the connection must have shown a new token; zero = never. For a token accepted within the
	// leeway after its own end it is the end of the leeway, so that the connection is not closed at once.
	ExpiresAt time.Time

	open    bool     // open mode: any channel
	join    patterns // token mode
	publish patterns
	public  patterns
}

// RoomUser returns the user id whose room the connection belongs to, "" for an anonymous one.
func (id Identity) RoomUser() string {
	if id.Anonymous {
		return ""
	}
	return id.UserID
}

// MayJoin reports whether the connection may join the channel: in open mode any, in token mode those that the
// token's channels claim or [Options.PublicChannels] match. Never a server-owned room or a name that breaks the
// rules of channels. That a channel is no client's id is for the owner of the connections to check.
func (id Identity) MayJoin(channel string) bool {
	if rooms.CheckChannel("channel", channel) != nil {
		return false
	}
	return id.open || id.join.match(channel) || id.public.match(channel)
}

// MayPublish reports whether the connection may send to the channel: in open mode any, in token mode those that the
// token's publish claim matches.
func (id Identity) MayPublish(channel string) bool {
	if rooms.CheckChannel("channel", channel) != nil {
		return false
	}
	return id.open || id.publish.match(channel)
}

// Expired reports whether the token behind the identity has run out.
func (id Identity) Expired(now time.Time) bool {
	return !id.ExpiresAt.IsZero() && !now.Before(id.ExpiresAt)
}
