package notify

import (
	"errors"
	"fmt"

	"github.com/roomcast/roomcast/rooms"
)

// ErrClientIDLive is wrapped by the error of an attach with the client id of a member of that namespace. A
// connection that takes another's place detaches it first.
var ErrClientIDLive = errors.New("client id is connected")

// Attachment is what a transport tells of a connection.
type Attachment struct {
	ClientID  string // unique in its namespace
	UserID    string // "" for an anonymous connection: no user room
	Username  string
	Namespace string // "/" or "" and "/n"
	Transport string // "websocket", "polling" or "sse"

	// Rooms are hub rooms to join beside those that Attach adds: All and the client's room of the namespace and,
	// in "/", the user's.
	Rooms []string

	// Granted are further hub rooms, which the server put the client into by Member.Join in an earlier session.
	Granted []string

	// Resume is where the client stopped reading; nil is now. A resumed member has deliveries at once, a Recovery
	// at least, and is not woken for them: pull it when the client is ready.
	Resume *Cursor

	// Former is the session that the connection goes on with, nil for none. It takes effect with Resume only.
	Former *Former

	// Sessions are the keys under which client id, channels and cursor are kept for Options.SessionTTL after Detach.
	// An earlier session of a key is replaced.
	Sessions []string

	// Wake is called when deliveries come to a member that has pulled all it had, once until it has pulled all
	// again. It must not block; it may be called before Attach returns and after Detach.
	Wake func()

	// Disconnect asks the transport to end the connection. It must not block.
	Disconnect func(reason string)

	// Owner is the transport's own object, for whoever finds the member.
	Owner any

	// Made gets the member before anyone can find it. It is called with the Hub's lock held, so it may store the member
	// and do no more.
	Made func(*Member)
}

// Former is an earlier session of the client. When nothing is missing since Attachment.Resume, the new member gets the
// client id of the session and is kept under its keys; else it gets those of the Attachment, and the keys are free.
type Former struct {
	ClientID string
	Sessions []string
}

// Attach makes a member. Member.Recovered and Member.Missed tell what came of a Former. An error wraps
// ErrClientIDLive or ErrClosed.
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
	}
	if a.Made != nil {
		a.Made(m)
	}
	h.members[memberKey{a.Namespace, m.a.ClientID}] = m
	h.comeOnline(m)
	if m.lagging {
		h.lagging++
	}
	h.openSessions(m, sessions)
	return m, nil
}

// takeOver makes the member that goes on with a.Former. When that would be met with a gap, it makes the one without.
// It returns nil when there is no Former.
func (h *Hub) takeOver(a Attachment) (*Member, error) {
	if a.Former == nil || a.Resume == nil {
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

// enterAs is enter unless the client id is a member's.
func (h *Hub) enterAs(a Attachment) (*Member, error) {
	if h.members[memberKey{a.Namespace, a.ClientID}] != nil {
		return nil, fmt.Errorf("attach %q in %q: %w", a.ClientID, a.Namespace, ErrClientIDLive)
	}
	return h.enter(a), nil
}

// enter makes a member and puts it into its rooms.
func (h *Hub) enter(a Attachment) *Member {
	m := &Member{
		h: h, at: h.o.Now(), transport: a.Transport, cursor: h.head, base: h.head.Seq,
		a: connection{a.ClientID, a.UserID, a.Username, a.Namespace, a.Wake, a.Disconnect, a.Owner},
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

// exit takes a member out of all its rooms.
func (h *Hub) exit(m *Member) {
	for len(m.seat.Rooms()) > 0 {
		r := m.seat.Rooms()[0].Room
		r.Leave(&m.seat)
		h.left(m, r)
	}
}

// resume sets the member to read from the index after c. It returns from where on the messages of its rooms
// are for it.
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
	case c.ID.Seq > head.Seq:
		m.cursor, m.reason = c.ID, GapAhead
		m.from = c.ID.String()
		return m.base
	default:
		m.cursor = c.ID
		joinedAt = c.ID.Seq
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
		// A new id cannot have missed anything, though other rooms may have been freed after the cursor.
		h.index.open(own).State.lost = 0
	}
	if m.a.Namespace == "/" && m.a.UserID != "" {
		h.join(m, rooms.User(m.a.UserID), joinedAt)
	}
	for _, name := range extra {
		h.join(m, name, joinedAt)
	}
}

// Detach takes the member out of the Hub. Its session is kept. It may be called more than once. What is in its
// inbox by then can still be pulled: a client that is told to go gets first what it was sent before.
func (m *Member) Detach() {
	if m.detach() && m.h.detached != nil {
		m.h.detached(m)
	}
}

func (m *Member) detach() bool {
	h := m.h
	h.mu.Lock()
	defer h.unlock()
	if m.detached {
		return false
	}
	if m.lagging {
		h.lagging--
	}
	m.settle()
	h.keepSessions(m)
	m.detached = true
	m.left = m.rooms(func(string) bool { return true })
	m.lagging = false // what is in the index is for its next connection
	h.exit(m)
	delete(h.members, memberKey{m.a.Namespace, m.a.ClientID})
	h.goOffline(m)
	return true
}

// comeOnline counts the member for its user and its client id.
func (h *Hub) comeOnline(m *Member) {
	h.ids[m.a.ClientID]++
	h.carry(m, 1)
	if m.a.UserID == "" {
		return
	}
	u := h.users[m.a.UserID]
	if u == nil {
		u = &user{}
		h.users[m.a.UserID] = u
	}
	m.user = u
	u.refs++
	if m.a.Namespace == "/" {
		if u.online++; u.online == 1 {
			h.online++
		}
	}
}

// goOffline undoes comeOnline.
func (h *Hub) goOffline(m *Member) {
	h.forgetID(m.a.ClientID)
	h.carry(m, -1)
	u := m.user
	if u == nil {
		return
	}
	if m.a.Namespace == "/" {
		if u.online--; u.online == 0 {
			h.online--
		}
	}
	if u.refs--; u.refs == 0 {
		delete(h.users, m.a.UserID)
	}
}

// carry counts m for its transport.
func (h *Hub) carry(m *Member, n int) {
	if m.a.Namespace != "/" {
		return
	}
	if h.carried[m.transport] += n; h.carried[m.transport] == 0 {
		delete(h.carried, m.transport)
	}
}

func (h *Hub) forgetID(clientID string) {
	if h.ids[clientID]--; h.ids[clientID] <= 0 {
		delete(h.ids, clientID)
	}
}
