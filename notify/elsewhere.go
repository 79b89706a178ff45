package notify

import (
	"context"
	"strings"
	"time"

	"github.com/roomcast/roomcast/rooms"
)

// Presence shares the counts of this node with the other nodes of a cluster. The counts of others
// are those of a moment ago: they lag by less than a second, and by 20 seconds after a node was
// killed. While the nodes cannot reach each other they stay as they were.
type Presence interface {
	// Set tells the others the count of a field on this node; 0 removes it. A name that is not ""
	// replaces the name of the field. Set neither waits nor calls the Hub, which holds its lock.
	Set(field string, n int, name string)

	// Count returns the sum of the counts of a field on the other nodes.
	Count(field string) int

	// Watch calls f for a field with a prefix after its Count has become 0, or is no longer 0. known
	// says that this is not new: it was so when Watch was called, or at Ready. Calls that are not
	// known come one at a time.
	Watch(prefix string, f func(field, name string, known bool))

	// Ready returns a channel that is closed when the counts of the other nodes have been read, and
	// these nodes can find this one. The Hub is not ready before.
	Ready() <-chan struct{}

	// Leads reports whether this node speaks for the cluster, when only one node should. Without
	// faults it is true on one node.
	Leads() bool

	// WatchLead calls f with Leads, at once and when it changes. Calls come one at a time. A node that
	// begins to lead speaks for what has changed since a time, because the one that led before has
	// ended: it has spoken for what changed before, and perhaps for a part of the rest.
	WatchLead(f func(leads bool, since time.Time))

	// Resign makes another node lead, because this one ends soon. It returns when the others have been
	// told, or when ctx is done. Leads is true until then.
	Resign(ctx context.Context)
}

// The fields of a Presence. All but one are about "/".
const (
	userField      = "u:" // + user id: connections
	channelField   = "c:" // + channel: members
	transportField = "t:" // + transport: connections
	onlineField    = "n:users"

	// connectionField is about all namespaces.
	connectionField = "k:" // + user id: connections
)

// transports are the names of Attachment.Transport.
var transports = [...]string{"websocket", "polling", "sse"}

// shareChannel tells the other nodes how many members a room has, if it is a channel of "/".
func (h *Hub) shareChannel(r *room) {
	if h.o.Presence == nil {
		return
	}
	if namespace, name := rooms.Split(r.Name); namespace == RootNamespace && rooms.IsChannel(name) {
		h.o.Presence.Set(channelField+name, r.Len(), "")
	}
}

func (h *Hub) shareUser(m *Member) {
	if h.o.Presence != nil {
		h.o.Presence.Set(userField+m.a.UserID, m.user.online, m.a.Username)
		h.o.Presence.Set(onlineField, h.online, "")
	}
}

func (h *Hub) shareTransport(name string) {
	if h.o.Presence != nil {
		h.o.Presence.Set(transportField+name, h.carried[name], "")
	}
}

// elsewhere returns a count of the other nodes. Do not hold the lock.
func (h *Hub) elsewhere(field string) int {
	if h.o.Presence == nil {
		return 0
	}
	return h.o.Presence.Count(field)
}

func (h *Hub) totalElsewhere() (n int) {
	for _, name := range transports {
		n += h.elsewhere(transportField + name)
	}
	return n
}

// UserElsewhere returns the number of connections of a user in "/" to the other nodes of a cluster.
func (h *Hub) UserElsewhere(id string) int { return h.elsewhere(userField + id) }

// ShareConnections tells the other nodes of a cluster how many connections a user has to this one,
// whatever their namespaces. It is for limits, and does not wait.
func (h *Hub) ShareConnections(user string, n int) {
	if h.o.Presence != nil {
		h.o.Presence.Set(connectionField+user, n, "")
	}
}

// ConnectionsElsewhere returns what the other nodes share by ShareConnections, and at least
// UserElsewhere: a node of an earlier version shares only that.
func (h *Hub) ConnectionsElsewhere(user string) int {
	return max(h.elsewhere(connectionField+user), h.UserElsewhere(user))
}

// WatchUsers calls f after a user has got the first connection in "/" to another node of the
// cluster, or has lost the last, and, with known, for the users that had one before.
func (h *Hub) WatchUsers(f func(id, name string, known bool)) { h.watchFields(userField, f) }

// WatchChannels is WatchUsers for the members of channels of "/". The names are empty.
func (h *Hub) WatchChannels(f func(channel, name string, known bool)) {
	h.watchFields(channelField, f)
}

func (h *Hub) watchFields(prefix string, f func(key, name string, known bool)) {
	if h.o.Presence == nil {
		return
	}
	h.o.Presence.Watch(prefix, func(field, name string, known bool) {
		f(strings.TrimPrefix(field, prefix), name, known)
	})
}

// Leads reports whether this node speaks for its cluster, when only one node should. A node without
// others does.
func (h *Hub) Leads() bool { return h.o.Presence == nil || h.o.Presence.Leads() }

// WatchLead calls f as Presence.WatchLead does.
func (h *Hub) WatchLead(f func(leads bool, since time.Time)) {
	if h.o.Presence == nil {
		f(true, time.Time{})
		return
	}
	h.o.Presence.WatchLead(f)
}

// Resign makes another node speak for the cluster from now on, because this one ends soon.
func (h *Hub) Resign(ctx context.Context) {
	if h.o.Presence != nil {
		h.o.Presence.Resign(ctx)
	}
}

// addElsewhere adds the members of other nodes to the receipt of a message that these nodes get. The
// counts are upper bounds: a connection in several rooms of the target counts for each, one that is
// excepted counts, and so do all members of a channel as users. Connections that the target names
// by their client ids are not known.
func (h *Hub) addElsewhere(r *Receipt, m *Message) {
	if h.o.Presence == nil || m.Volatile && !h.isRelayed(m) || m.Namespace != RootNamespace {
		return
	}
	for _, room := range m.Rooms {
		_, name := rooms.Split(room)
		user, isUser := rooms.IsUser(name)
		switch {
		case name == rooms.All:
			r.Delivered += h.totalElsewhere()
			r.Users += h.elsewhere(onlineField)
		case isUser:
			n := h.UserElsewhere(user)
			r.Delivered += n
			if n > 0 && h.ownConnectionsOf(user) == 0 {
				r.Users++
			}
		case rooms.IsChannel(name):
			n := h.elsewhere(channelField + name)
			r.Delivered += n
			r.Users += n
			if n > 0 && !h.ownChannelOccupied(name) {
				r.Channels++
			}
		}
	}
}

// isElsewhere reports whether a hub room has a member on another node. It knows users and channels
// of "/" only.
func (h *Hub) isElsewhere(hubRoom string) bool {
	namespace, name := rooms.Split(hubRoom)
	user, isUser := rooms.IsUser(name)
	switch {
	case h.o.Presence == nil || namespace != RootNamespace:
		return false
	case name == rooms.All:
		return h.totalElsewhere() > 0
	case isUser:
		return h.UserElsewhere(user) > 0
	case rooms.IsChannel(name):
		return h.elsewhere(channelField+name) > 0
	}
	return false
}
