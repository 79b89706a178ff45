package notify

import (
	"slices"
	"time"

	"github.com/roomcast/roomcast/rooms"
)

// What waits for a member that keeps up: with more, it lags. A message waits also when it alone is larger.
const (
	inboxSize  = 64      // messages
	inboxBytes = 1 << 20 // of what they take, though others may wait for the same ones
)

// Member is one connection in one namespace: a cursor in the log, an inbox of at most 64 pointers and the rooms
// it is in. The transport that attached it is woken, pulls and writes; nothing else queues messages.
//
// All methods may be called by any goroutine, Pull by one at a time. After Detach they do nothing, but that Pull empties the inbox.
type Member struct {
	// First what a publish touches, in two cache lines. The Hub's lock guards everything but a, id and at, and from and resumed, which
	// Attach sets.
	seat    rooms.Seat[*Member, shelf]
	inbox   *[inboxSize]*Message // a ring, made at first use
	first   uint8
	pending uint8
	lagging bool // the inbox is empty and the member reads from the index, after cursor
	replay  replayState
	bytes   uint32 // cost of what is pending
	stamp   uint64 // of the last publish or match that met the member
	user    *user  // nil without a user id
	// cursor is the place of the member on the wire. With nothing pending it is behind: the head is.
	cursor ID

	base     uint64 // head at attach, from where a cursor that cannot be used reads on
	reason   string // why the cursor cannot be used as it is: a gap to come, "" for none
	missed   bool   // a gap was told since the resume
	replayed int    // messages since the resume
	from     string // cursor of the resume

	granted   []string   // hub rooms that Join or Attachment.Granted put it into
	sessions  []*session // nil: none, or it has passed to a later member
	transport string
	detached  bool
	resumed   bool // by a cursor, good or not

	recovered bool     // it goes on with Attachment.Former
	gap       *Gap     // why it does not
	left      []string // its hub rooms at the detach

	h  *Hub
	a  connection
	at time.Time
}

// connection is what a Member keeps of its Attachment.
type connection struct {
	ClientID, UserID, Username, Namespace string

	Wake       func()
	Disconnect func(reason string)
	Owner      any
}

// replayState is how far a resume has come.
type replayState uint8

const (
	live      replayState = iota // no resume, or its replay is over
	starting                     // nothing pulled yet
	replaying                    // until everything pending is pulled
)

// ClientID returns the id of the connection, unique in its namespace.
func (m *Member) ClientID() string { return m.a.ClientID }

// UserID returns the id of the user, or "".
func (m *Member) UserID() string { return m.a.UserID }

// Username returns the name given at attach.
func (m *Member) Username() string { return m.a.Username }

// Namespace returns "/" or "/n".
func (m *Member) Namespace() string { return m.a.Namespace }

// Recovered reports whether the member goes on with Attachment.Former: it missed nothing.
func (m *Member) Recovered() bool { return m.recovered }

// Missed returns what kept the member from going on with Attachment.Former, nil when nothing did. The same gap is its
// first delivery.
func (m *Member) Missed() *Gap { return m.gap }

// Misses reports whether the next deliveries of the member would begin with a gap: history that it has not read yet was
// trimmed.
func (m *Member) Misses() bool {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	if !m.lagging {
		return false
	}
	for _, in := range m.seat.Rooms() {
		if m.lostIn(&in) > max(m.cursor.Seq, in.JoinedAt) {
			return true
		}
	}
	return m.reason != ""
}

// Left returns the hub rooms that the member was in when it was detached.
func (m *Member) Left() []string {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	return m.left
}

// Owner returns the transport's own object.
func (m *Member) Owner() any { return m.a.Owner }

// ConnectedAt returns the time of attach.
func (m *Member) ConnectedAt() time.Time { return m.at }

// Disconnect asks the transport to end the connection, for a reason that it tells the client. It does not block;
// the member is detached when the transport has closed.
func (m *Member) Disconnect(reason string) {
	if m.a.Disconnect != nil {
		m.a.Disconnect(reason)
	}
}

// Resumed reports whether the member was attached with a cursor, and returns its id: "" of one that was no id.
func (m *Member) Resumed() (from string, ok bool) { return m.from, m.resumed }

// Transport returns "websocket", "polling" or "sse".
func (m *Member) Transport() string {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	return m.transport
}

// SetTransport notes that the connection moved to another transport.
func (m *Member) SetTransport(name string) {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	if m.detached {
		return
	}
	m.h.carry(m, -1)
	m.transport = name
	m.h.carry(m, 1)
}

// Pending returns the number of messages in the inbox, at most 64; a lagging member has none there.
func (m *Member) Pending() int {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	return int(m.pending)
}

// Lagging reports whether the member reads from the index.
func (m *Member) Lagging() bool {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	return m.lagging
}

// Join puts the member into hub rooms, from now on: it gets no message published before. It is the server's own
// decision, so a session keeps these rooms apart from those that a client asked for.
func (m *Member) Join(hubRooms ...string) {
	m.h.mu.Lock()
	defer m.h.unlock()
	if m.detached {
		return
	}
	for _, name := range hubRooms {
		m.h.join(m, name, m.h.head.Seq)
		m.grant(name)
	}
}

// grant remembers that the server put m into a room, and not its client.
func (m *Member) grant(name string) {
	if !slices.Contains(m.granted, name) {
		m.granted = append(m.granted, name)
	}
}

// Leave takes the member out of hub rooms, but for those that Attach gave it: these last as long as it does.
func (m *Member) Leave(hubRooms ...string) {
	m.h.mu.Lock()
	defer m.h.unlock()
	for _, name := range hubRooms {
		m.h.leave(m, name)
	}
}

// Rooms returns the hub rooms of the member, in no order.
func (m *Member) Rooms() []string {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	return m.rooms(func(string) bool { return true })
}

// In reports whether the member is in a hub room.
func (m *Member) In(hubRoom string) bool {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	return m.in(hubRoom)
}

func (m *Member) in(hubRoom string) bool {
	r := m.h.index.table.Room(hubRoom)
	return r != nil && r.Has(&m.seat)
}

func (m *Member) rooms(want func(hubRoom string) bool) []string {
	in := m.seat.Rooms()
	names := make([]string, 0, len(in))
	for i := range in {
		if name := in[i].Room.Name; want(name) {
			names = append(names, name)
		}
	}
	return names
}

// join puts m into a room, whose messages after seq at are for it.
func (h *Hub) join(m *Member, name string, at uint64) {
	r := h.index.open(name)
	if !r.Join(&m.seat, at) {
		return
	}
	if r.Len() == 1 {
		h.note(RoomCreated, m, name)
		if isChannel(name) {
			h.channels++
		}
	}
	h.note(RoomJoined, m, name)
}

// leave takes m out of a room that it joined.
func (h *Hub) leave(m *Member, name string) {
	if r := h.index.table.Room(name); r != nil && !m.own(name) && r.Leave(&m.seat) {
		m.granted = slices.DeleteFunc(m.granted, func(granted string) bool { return granted == name })
		h.left(m, r)
	}
}

// left follows the leave of m from r.
func (h *Hub) left(m *Member, r *room) {
	h.note(RoomLeft, m, r.Name)
	if r.Len() == 0 {
		h.note(RoomDeleted, m, r.Name)
		if isChannel(r.Name) {
			h.channels--
		}
		h.index.release(r)
	}
}

// own reports whether a hub room is one that Attach gives m by itself.
func (m *Member) own(name string) bool {
	namespace, room := rooms.Split(name)
	if namespace != m.a.Namespace {
		return false
	}
	return room == rooms.All || room == rooms.Client(m.a.ClientID) ||
		namespace == "/" && m.a.UserID != "" && room == rooms.User(m.a.UserID)
}
