package notify

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/roomcast/roomcast/rooms"
)

// ErrClientIDLive is wrapped by the error of an Attach whose client id belongs to a member of the
// same namespace. To replace a connection, detach its member first.
var ErrClientIDLive = errors.New("client id is connected")

// ErrSessionEnded is wrapped by the error of an Attach whose Former has ended after ResumeSession. The
// client should connect again.
var ErrSessionEnded = errors.New("the session has ended")

// Attachment describes a connection that a transport attaches to the Hub.
type Attachment struct {
	ClientID  string // unique in its namespace
	UserID    string // "" for an anonymous connection: no user room
	Username  string
	Namespace string // "/" or "" and "/n"
	Transport string // "websocket", "polling" or "sse"

	// Rooms are hub rooms to join in addition to those that every member joins: All and the
	// client's room of the namespace and, in "/", the user's room.
	Rooms []string

	// Free are hub rooms that do not count for the limit of Hub.JoinChannels, such as default
	// channels. The Hub keeps the slice.
	Free []string

	// Granted are further hub rooms: those that Member.Join added in an earlier session.
	Granted []string

	// Resume is the cursor of the client; nil means now. A resumed member has deliveries at once,
	// at least a Recovery, and Wake is not called for them: pull when the client is ready.
	Resume *Cursor

	// Former is the session that the connection resumes, nil for none. It needs Resume.
	Former *Former

	// Sessions are the keys under which the Hub keeps client id, channels and cursor for
	// Options.SessionTTL after Detach. An earlier session of a key is replaced.
	Sessions []string

	// Address is the client's. One address, and one user, takes a part of the sessions that the Hub
	// keeps, see Options.MaxSessions. The zero value is no address.
	Address netip.Addr

	// Wake is called when deliveries arrive at a member that has pulled everything. It is called
	// once until the member has pulled everything again. It must not block. The Hub may call it
	// before Attach returns and after Detach.
	//
	// audience is the number of members that the message goes to. A transport should serve members
	// whose message goes to few before those whose message goes to thousands. So the Hub also calls
	// Wake when a message follows that goes to less than a sixteenth of the members.
	Wake func(audience int)

	// Disconnect asks the transport to end the connection. It must not block.
	Disconnect func(reason string)

	// Drop asks the transport to cut the connection, see Member.Drop. It must not block.
	Drop func(reason string)

	// Owner is the transport's own object, which Member.Owner returns.
	Owner any

	// Made receives the member before any other goroutine can find it. The Hub calls it with its
	// lock held, so it may only store the member.
	Made func(*Member)
}

// Former is an earlier session of the client. When the client has missed nothing since
// Attachment.Resume, the new member takes the client id and the keys of the session. Otherwise it
// gets those of the Attachment, and the session ends.
type Former struct {
	ClientID string
	Sessions []string
}

// Attach adds a member. With a Former, Member.Recovered and Member.Missed return the result. An
// error wraps ErrClientIDLive, ErrSessionEnded, ErrClosed or ErrNotReady.
func (h *Hub) Attach(a Attachment) (*Member, error) {
	m, err := h.attach(a)
	if err == nil && h.attached != nil {
		h.attached(m)
	}
	return m, err
}

func (h *Hub) attach(a Attachment) (*Member, error) {
	if a.Namespace == "" {
		a.Namespace = RootNamespace
	}
	h.mu.Lock()
	defer h.unlock()
	if h.closed.Load() {
		return nil, fmt.Errorf("attach: %w", ErrClosed)
	}
	if err := h.Ready(); err != nil {
		return nil, fmt.Errorf("attach: %w", err)
	}
	if h.isOver(a.Former) {
		return nil, fmt.Errorf("attach: %w", ErrSessionEnded)
	}
	m, err := h.takeOver(a)
	if err == nil && m == nil {
		m, err = h.enterAs(a)
	}
	if err != nil {
		return nil, err
	}
	sessions := a.Sessions
	if m.recovered {
		sessions = a.Former.Sessions
		h.continueRooms(m, sessions)
	}
	if a.Made != nil {
		a.Made(m)
	}
	h.members[memberKey{a.Namespace, m.a.ClientID}] = m
	h.comeOnline(m)
	if m.lagging {
		h.lagging++
	}
	h.openSessions(m, sessions, a.Address)
	return m, nil
}

// takeOver returns the member that resumes a.Former. If that member would receive a gap, it returns
// a new member without the session instead. It returns nil when there is no Former.
func (h *Hub) takeOver(a Attachment) (*Member, error) {
	if a.Former == nil || a.Resume == nil || h.isTaken(a.Former) {
		return nil, nil
	}
	former := a
	former.ClientID = a.Former.ClientID
	changes := len(h.changes)
	m, err := h.enterAs(former)
	if err != nil {
		return nil, err
	}
	missed := h.account(m)
	if missed == nil {
		m.recovered = true
		return m, nil
	}
	h.exit(m)
	h.changes = h.changes[:changes]
	for _, key := range a.Former.Sessions {
		h.dropSession(h.sessions.byKey[key])
	}
	if m, err = h.enterAs(a); err == nil {
		m.gap = missed
	}
	return m, err
}

// enterAs is enter with a check that no member has the client id.
func (h *Hub) enterAs(a Attachment) (*Member, error) {
	if h.members[memberKey{a.Namespace, a.ClientID}] != nil {
		return nil, fmt.Errorf("attach %q in %q: %w", a.ClientID, a.Namespace, ErrClientIDLive)
	}
	return h.enter(a), nil
}

// enter creates a member and adds it to its rooms.
func (h *Hub) enter(a Attachment) *Member {
	m := &Member{
		h: h, at: h.o.Now(), transport: a.Transport, cursor: h.head, base: h.head.Seq,
		stamp: h.stamp, // it comes after the publish that runs
		a: connection{a.ClientID, a.UserID, a.Username, a.Namespace, a.Free, a.Wake, a.Disconnect,
			a.Drop, a.Owner},
	}
	m.seat.Member = m
	joinedAt := h.head.Seq
	if a.Resume != nil {
		joinedAt = m.resume(*a.Resume)
	}
	h.joinAll(m, a.Rooms, joinedAt)
	for _, name := range a.Granted {
		h.join(m, name, joinedAt)
		m.grant(name)
	}
	return m
}

// resume prepares the member to read the index after c. It returns the sequence number after which
// messages of its rooms are for it.
func (m *Member) resume(c Cursor) (joinedAt uint64) {
	head := m.h.head
	m.lagging, m.replay, m.resumed = true, starting, true
	switch {
	case c.All:
		m.cursor, m.reason = ID{Epoch: head.Epoch}, everything
	case c.Invalid || c.ID.IsZero():
		m.cursor, m.reason = ID{}, GapInvalid
		return m.base
	case c.ID.Epoch != head.Epoch:
		m.cursor, m.reason = c.ID, GapEpoch
	case m.h.forks.origin(c.ID.Seq) < c.ID.Seq:
		m.cursor, m.reason = c.ID, GapEpoch
		joinedAt = m.h.forks.origin(c.ID.Seq)
	case c.ID.Seq > head.Seq:
		m.cursor, m.reason = c.ID, GapAhead
		m.from = c.ID.String()
		return m.base
	default:
		m.cursor = c.ID
		joinedAt = c.ID.Seq
		if m.h.forks.lostAfter(c.ID.Seq) {
			m.reason = GapEpoch
		}
	}
	m.from = m.cursor.String()
	return joinedAt
}

// joinAll joins the rooms that every member has, then the extra ones.
func (h *Hub) joinAll(m *Member, extra []string, joinedAt uint64) {
	h.join(m, rooms.In(m.a.Namespace, rooms.All), joinedAt)
	own := rooms.In(m.a.Namespace, rooms.Client(m.a.ClientID))
	fresh := h.index.table.Room(own) == nil && h.ids[m.a.ClientID] == 0
	h.join(m, own, joinedAt)
	if fresh {
		// A new id cannot have missed a message, even if other rooms were freed after the cursor.
		h.index.open(own).State.lost = 0
	}
	if m.a.UserID != "" {
		h.join(m, rooms.In(m.a.Namespace, rooms.User(m.a.UserID)), joinedAt)
	}
	for _, name := range extra {
		h.join(m, name, joinedAt)
	}
}
