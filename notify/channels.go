package notify

import (
	"slices"

	"github.com/roomcast/roomcast/rooms"
)

// NoLimit lets a client join any number of channels.
const NoLimit = -1

// JoinChannels joins the channels that a client asks for, in the member's namespace. It denies
// names that are not valid for a channel (rooms.CheckChannel), that are or were a client id, and
// that may rejects; a nil may allows all. It also denies more channels than limit: with 0 all that
// the member is not in, with NoLimit none. The channels of Attachment.Free and those that the server
// has joined do not count. JoinChannels calls may without a lock.
func (h *Hub) JoinChannels(
	m *Member, names []string, may func(string) bool, limit int,
) (joined, denied []string) {
	allowed := make([]bool, len(names))
	for i, name := range names {
		allowed[i] = rooms.CheckChannel("channel", name) == nil && (may == nil || may(name))
	}
	m.lock()
	defer h.unlock()
	has := 0
	for _, room := range m.rooms(isChannel) {
		if m.counts(room) {
			has++
		}
	}
	for i, name := range names {
		room := rooms.In(m.a.Namespace, name)
		already := allowed[i] && m.in(room)
		counts := !already && m.counts(room)
		if !allowed[i] || m.detached || !already && h.isClientID(name) ||
			counts && limit >= 0 && has >= limit {
			denied = append(denied, name)
			continue
		}
		if !already {
			h.join(m, room, h.head.Seq)
		}
		if counts {
			has++
		}
		joined = append(joined, name)
	}
	return joined, denied
}

// counts reports whether a channel counts for the limit of JoinChannels.
func (m *Member) counts(room string) bool {
	return !slices.Contains(m.a.Free, room) && !slices.Contains(m.granted, room)
}

// LeaveChannels leaves the channels that a client asks to leave, in the member's namespace. It
// returns the names that are valid for a channel: the member is in none of them after the call.
func (h *Hub) LeaveChannels(m *Member, names []string) (left []string) {
	m.lock()
	defer h.unlock()
	for _, name := range names {
		if rooms.CheckChannel("channel", name) == nil {
			h.leave(m, rooms.In(m.a.Namespace, name))
			if h.mayBeElsewhere(name) { // the server has put m into both rooms
				h.leave(m, rooms.In(m.a.Namespace, rooms.Client(name)))
			}
			left = append(left, name)
		}
	}
	return left
}

// Wanted has the channels that a client may get at connect.
type Wanted struct {
	Defaults []string // every client joins those that it may
	Kept     []string // of the sessions that it continues
	Asked    []string // in its request
}

// Admit adds channels of "/" to an Attachment, each once: the Defaults, then Kept, then Asked. It
// leaves out those that may rejects, that JoinChannels would deny, and those above limit (NoLimit:
// none). Defaults and a.Granted do not count for the limit, neither now nor in JoinChannels: this is
// the rule of MAX_ROOMS. Kept comes first, because the client cannot know that it has lost one;
// Admit returns the channels of Asked that it has left out.
func (h *Hub) Admit(
	a *Attachment, w Wanted, may func(string) bool, limit int,
) (denied []string) {
	a.Free = w.Defaults
	a.Rooms, _ = h.Admissible(w.Defaults, may, NoLimit)
	counted := slices.DeleteFunc(slices.Concat(w.Kept, w.Asked), func(name string) bool {
		return slices.Contains(a.Rooms, name) || slices.Contains(a.Granted, name)
	})
	allowed, denied := h.Admissible(counted, may, limit)
	a.Rooms = append(a.Rooms, allowed...)
	return slices.DeleteFunc(denied, func(name string) bool {
		return !slices.Contains(w.Asked, name)
	})
}

// Admissible splits the channels that a client asks for at connect into those that its Attachment
// may have, each once and at most limit (NoLimit is any number), and the others.
func (h *Hub) Admissible(
	names []string, may func(string) bool, limit int,
) (allowed, denied []string) {
	for _, name := range names {
		switch {
		case slices.Contains(allowed, name):
		case rooms.CheckChannel("channel", name) != nil, may != nil && !may(name),
			limit >= 0 && len(allowed) >= limit, h.IsClientID(name):
			denied = append(denied, name)
		default:
			allowed = append(allowed, name)
		}
	}
	return allowed, denied
}

// isChannel reports whether a hub room is a channel of any namespace.
func isChannel(hubRoom string) bool {
	_, name := rooms.Split(hubRoom)
	return rooms.IsChannel(name)
}
