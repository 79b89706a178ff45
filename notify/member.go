package notify

import (
	"time"

	"github.com/roomcast/roomcast/rooms"
)

// Limits of an inbox. A member with more pending messages lags. A single message always fits.
const (
	inboxSize  = 64        // messages
	inboxBytes = 256 << 10 // their cost, although several members may hold the same message
)

// Member is one connection in one namespace: a cursor in the log, an inbox of at most 64 pointers,
// and the rooms that it is in. The Hub wakes the transport of the member, which pulls deliveries
// and writes them. No other queue holds messages.
//
// All goroutines may call all methods, but only one at a time may call Pull. After Detach they do
// nothing, except that Pull empties the inbox.
type Member struct {
	// The first fields, in two cache lines, are those that a publish uses. The Hub's lock guards
	// all fields except h, a and at, and except from and resumed, which only Attach sets.
	seat    rooms.Seat[*Member, shelf]
	inbox   *[inboxSize]*Message // a ring, allocated at first use
	first   uint8
	pending uint8
	lagging bool // the inbox is empty and the member reads from the index, after cursor
	replay  replayState
	bytes   uint32 // cost of the pending messages
	stamp   uint64 // of the last publish or match that reached the member or came before it
	user    *user  // nil without a user id
	// cursor is the last position that the member has pulled. With nothing pending it may be older
	// than the head, which then counts instead.
	cursor ID

	base     uint64 // head at attach; a member with an unusable cursor reads from here
	audience uint32 // of the message for which the member was woken
	reason   string // why the cursor is unusable, for the next gap; "" if it is usable
	missed   bool   // the member received a gap after the resume
	replayed int    // messages after the resume
	from     string // cursor of the resume

	granted   []string   // hub rooms added by Join or Attachment.Granted
	sessions  []*session // nil: it has none, or a later member has taken them
	transport string
	detached  bool
	dropped   bool // see Drop
	resumed   bool // with a cursor, usable or not

	recovered bool     // it resumed Attachment.Former
	gap       *Gap     // why it did not
	left      []string // its hub rooms at Detach

	h  *Hub
	a  connection
	at time.Time
}

// connection has the fields of an Attachment that the Member keeps.
type connection struct {
	ClientID, UserID, Username, Namespace string

	Free       []string
	Wake       func(audience int)
	Disconnect func(reason string)
	Drop       func(reason string)
	Owner      any
}

// replayState is the progress of a resume.
type replayState uint8

const (
	live      replayState = iota // no resume, or the replay has ended
	starting                     // nothing pulled yet
	replaying                    // until it has pulled everything pending
)

// ClientID returns the id of the connection, unique in its namespace.
func (m *Member) ClientID() string { return m.a.ClientID }

// UserID returns the id of the user, or "".
func (m *Member) UserID() string { return m.a.UserID }

// Username returns the name of the user given to Attach.
func (m *Member) Username() string { return m.a.Username }

// Namespace returns "/" or "/n".
func (m *Member) Namespace() string { return m.a.Namespace }

// Recovered reports whether the member resumed Attachment.Former without missing a message.
func (m *Member) Recovered() bool { return m.recovered }

// Missed returns the gap because of which the member did not resume Attachment.Former, or nil. The
// same gap is its first delivery.
func (m *Member) Missed() *Gap { return m.gap }

// Misses reports whether the next Pull would begin with a gap, because messages that the member has
// not pulled were trimmed.
func (m *Member) Misses() bool {
	m.lock()
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

// Left returns the hub rooms that the member was in at Detach.
func (m *Member) Left() []string {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	return m.left
}

// Owner returns the transport's own object.
func (m *Member) Owner() any { return m.a.Owner }

// ConnectedAt returns the time of Attach.
func (m *Member) ConnectedAt() time.Time { return m.at }

// Disconnect asks the transport to end the connection and to give the client the reason. It does
// not block. The transport detaches the member when it has closed.
func (m *Member) Disconnect(reason string) {
	if m.a.Disconnect != nil {
		m.a.Disconnect(reason)
	}
}

// Resumed reports whether the member was attached with a cursor. It also returns the id of the
// cursor, "" when the cursor was not an id.
func (m *Member) Resumed() (from string, ok bool) { return m.from, m.resumed }

// Transport returns "websocket", "polling" or "sse".
func (m *Member) Transport() string {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	return m.transport
}

// SetTransport records that the connection moved to another transport.
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

// Pending returns the number of messages in the inbox, at most 64. It is 0 for a lagging member.
func (m *Member) Pending() int {
	m.lock()
	defer m.h.mu.Unlock()
	return int(m.pending)
}

// Lagging reports whether the member reads from the index, because its inbox was full.
func (m *Member) Lagging() bool {
	m.lock()
	defer m.h.mu.Unlock()
	return m.lagging
}
