package notify

import (
	"maps"

	"github.com/roomcast/roomcast/rooms"
)

// Stats are counts of this node: some of the moment, some totals since its start.
type Stats struct {
	Total        int            `json:"total"`       // connections in "/"
	ActiveUsers  int            `json:"activeUsers"` // users among them
	ByTransport  map[string]int `json:"byTransport"` // connections in "/"
	Members      int            `json:"members"`     // of all namespaces
	Lagging      int            `json:"lagging"`     // members that lag
	Channels     int            `json:"channels"`    // with a member
	Rooms        int            `json:"rooms"`       // with a member or history, of any kind
	Sessions     int            `json:"sessions"`    // kept without a member
	Unsaved      int            `json:"-"`           // sessions that changed and are not saved yet
	Published    uint64         `json:"published"`   // messages, volatile ones included
	Delivered    uint64         `json:"delivered"`   // sum of Receipt.Delivered
	History      int            `json:"history"`     // messages kept
	HistoryBytes int64          `json:"historyBytes"`

	Retained      int   `json:"retained"` // retained messages
	RetainedBytes int64 `json:"retainedBytes"`

	Lagged uint64 `json:"lagged"` // times that a member began to lag
	// Dropped counts volatile messages that did not fit into an inbox, or were in it when the
	// member began to lag. Messages in the inbox of a member that detaches are not counted, since
	// the transport may still write them.
	Dropped  uint64            `json:"dropped"`
	Replays  uint64            `json:"replays"`  // resumes whose replay is complete
	Replayed uint64            `json:"replayed"` // messages in these replays
	Gaps     map[string]uint64 `json:"gaps"`     // gaps that members got, by reason
}

// Add adds the counts of another node. A user of both then counts twice.
func (s *Stats) Add(o Stats) {
	s.Total += o.Total
	s.ActiveUsers += o.ActiveUsers
	s.ByTransport = sums(s.ByTransport, o.ByTransport)
	s.Members += o.Members
	s.Lagging += o.Lagging
	s.Channels += o.Channels
	s.Rooms += o.Rooms
	s.Sessions += o.Sessions
	s.Unsaved += o.Unsaved
	s.Published += o.Published
	s.Delivered += o.Delivered
	s.History += o.History
	s.HistoryBytes += o.HistoryBytes
	s.Retained += o.Retained
	s.RetainedBytes += o.RetainedBytes
	s.Lagged += o.Lagged
	s.Dropped += o.Dropped
	s.Replays += o.Replays
	s.Replayed += o.Replayed
	s.Gaps = sums(s.Gaps, o.Gaps)
}

// sums returns a new map.
func sums[N int | uint64](x, y map[string]N) map[string]N {
	sum := make(map[string]N, max(len(x), len(y)))
	maps.Copy(sum, x)
	for key, n := range y {
		sum[key] += n
	}
	return sum
}

// counters are totals since the start, guarded by the Hub's lock.
type counters struct {
	delivered                          uint64
	lagged, dropped, replays, replayed uint64

	trimmed, epoch, ahead, invalid, tooMany uint64 // gaps
}

func (c *counters) gap(reason string) {
	switch reason {
	case GapTrimmed:
		c.trimmed++
	case GapEpoch:
		c.epoch++
	case GapAhead:
		c.ahead++
	case GapInvalid:
		c.invalid++
	case GapTooMany:
		c.tooMany++
	}
}

// Stats returns the counts. Its time does not depend on the number of members, since the Hub
// updates the counts with every change.
func (h *Hub) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := &h.counters
	return Stats{
		Total: h.total(), ActiveUsers: h.online, ByTransport: maps.Clone(h.carried),
		Members: len(h.members), Lagging: h.lagging,
		Channels: h.channels, Rooms: h.index.table.Len(), Sessions: h.sessions.kept.Len(),
		Unsaved:   len(h.unsaved),
		Published: h.published.Load(), Delivered: c.delivered,
		History: h.index.fifo.len() - h.index.dead, HistoryBytes: h.index.bytes,
		Retained: h.retained.count, RetainedBytes: h.retained.bytes,
		Lagged: c.lagged, Dropped: c.dropped, Replays: c.replays, Replayed: c.replayed,
		Gaps: map[string]uint64{
			GapTrimmed: c.trimmed, GapEpoch: c.epoch, GapAhead: c.ahead, GapInvalid: c.invalid,
			GapTooMany: c.tooMany,
		},
	}
}

// Total returns the number of connections in "/", those to other nodes included.
func (h *Hub) Total() int {
	h.mu.Lock()
	own := h.total()
	h.mu.Unlock()
	return own + h.totalElsewhere()
}

func (h *Hub) total() int {
	if r := h.index.table.Room(rooms.All); r != nil {
		return r.Len()
	}
	return 0
}

// UserOnline reports whether a user has a connection in "/", to this node or another one.
func (h *Hub) UserOnline(id string) bool { return h.ConnectionsOf(id) > 0 }

// ConnectionsOf returns the number of connections of a user in "/", those to other nodes included.
func (h *Hub) ConnectionsOf(id string) int { return h.ownConnectionsOf(id) + h.UserElsewhere(id) }

func (h *Hub) ownConnectionsOf(id string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if u := h.users[id]; u != nil {
		return u.online
	}
	return 0
}

// ChannelOccupied reports whether a channel of "/" has a member, on this node or another one.
func (h *Hub) ChannelOccupied(name string) bool {
	return h.ownChannelOccupied(name) || h.elsewhere(channelField+name) > 0
}

func (h *Hub) ownChannelOccupied(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.index.table.Room(rooms.In(RootNamespace, name))
	return r != nil && r.Len() > 0
}

// IsClientID reports whether name is the client id of a member or of a kept session, in any
// namespace. With Options.Presence or Options.Relay every name that looks like one is, because other
// nodes have clients, too.
func (h *Hub) IsClientID(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.isClientID(name)
}

func (h *Hub) isClientID(name string) bool { return h.ids[name] > 0 || h.mayBeElsewhere(name) }

// mayBeElsewhere reports whether name can be the client id of a member of another node.
func (h *Hub) mayBeElsewhere(name string) bool {
	isOneOfSeveral := h.o.Presence != nil || h.o.Relay != nil
	return isOneOfSeveral && rooms.LooksLikeClientID(name)
}

// Member returns the member of a client id in a namespace ("" is "/"), or nil.
func (h *Hub) Member(namespace, clientID string) *Member {
	if namespace == "" {
		namespace = "/"
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.members[memberKey{namespace, clientID}]
}

// Members returns all members of all namespaces, in no particular order.
func (h *Hub) Members() []*Member {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*Member, 0, len(h.members))
	for _, m := range h.members {
		all = append(all, m)
	}
	return all
}

// Match returns the members that a message with these rooms and except would reach now, each once:
// the members of at least one of the hub rooms and of none in except. Like a publish, it releases
// the lock every fanOutStep members, and happens at one moment for all others.
func (h *Hub) Match(hubRooms, except []string) []*Member {
	h.publishing.Lock() // both use the stamps and the fan
	defer h.publishing.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stamp++
	h.fan = fan{msg: &Message{Rooms: hubRooms, Except: except}, left: h.step, match: true}
	h.stampExcepted(except, h.pause)
	for _, name := range hubRooms {
		if r := h.index.table.Room(name); r != nil {
			h.fanOutRoom(r, false)
		}
	}
	found := h.fan.found
	h.fan = fan{}
	return found
}
