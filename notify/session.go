package notify

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Session is the state of a member that the Hub keeps for the next connection of its client. The
// transport decides whether the client may resume it: the user must be the same, and the channels
// are authorised again.
type Session struct {
	Key       string
	UserID    string
	ClientID  string
	Namespace string
	Channels  []string  // hub rooms that are channels, now or at Detach
	Granted   []string  // hub rooms that the server added: they need no permission of the client
	Cursor    ID        // at Attach; a client that has received no id since then resumes here
	Expires   time.Time // zero while the member is attached
	Data      any       // the value given to Hub.KeepData; a json.RawMessage after a restart
	Address   netip.Addr

	Owner *Owner // with Options.Cluster; nil for a session that a server of another kind stored
	// Void names the last SharedSessions.Void of the user before the session was saved for the first
	// time. It is "" until then.
	Void string
	// Foreign says that a server of another kind began the session. It has no UserID and no
	// Namespace, and Channels are names without a namespace, which nobody has checked.
	Foreign bool
}

// Session returns the session of a key. Its member is attached, or detached less than
// Options.SessionTTL ago.
func (h *Hub) Session(key string) (Session, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expireSessions(h.o.Now())
	s := h.sessions.byKey[key]
	if s == nil {
		return Session{}, false
	}
	found := s.Session
	if s.member != nil {
		found.Channels, found.Granted = s.member.rooms(isChannel), slices.Clone(s.member.granted)
	}
	return found, true
}

// KeepData stores a value of the transport in the session of a key, if there is one. The value
// lasts as long as the session. With Options.Sessions the next process has its JSON, and with
// Options.Cluster the next node, as a json.RawMessage. A value that has none stays with the process,
// and KeepData returns an error; changes after the call are lost, too. Options.MaxSessionBytes counts
// the value if it has a method Size() int, which returns its bytes; the transport must limit the size
// of others.
func (h *Hub) KeepData(key string, data any) error {
	var text json.RawMessage
	var err error
	if h.o.Sessions != nil || h.cluster != nil {
		text, err = json.Marshal(data)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sessions.byKey[key]
	switch {
	case s == nil:
		return err
	case s.member != nil:
		s.Data, s.text = data, text
	default: // it is kept already
		h.sessions.uncount(s)
		s.Data, s.text = data, text
		h.sessions.count(s)
		h.dropExcess()
	}
	h.unsaved.add(key)
	return err
}

// ForgetSession ends the session of a key. Its member, if any, stays attached.
func (h *Hub) ForgetSession(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dropSession(h.sessions.byKey[key])
}

// EndSessions ends the sessions of a user on this node, and returns the user's members of all
// namespaces, which stay attached.
func (h *Hub) EndSessions(userID string) (members []*Member) {
	if userID == "" {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if held := h.sessions.holders[holderKey{user: userID}]; held != nil {
		for held.Of.kept.Len() > 0 {
			h.dropSession(held.Of.kept.Front().Value.(*session))
		}
	}
	for _, f := range h.fetches {
		f.ended = f.ended || f.user == userID
	}
	for _, m := range h.members {
		if m.a.UserID == userID {
			m.void()
			members = append(members, m)
		}
	}
	return members
}

// RenameSession moves the member's session from one key to another. The old key is no longer valid.
func (m *Member) RenameSession(key, to string) {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	s := m.h.sessions.byKey[key]
	if s == nil || s.member != m {
		return
	}
	m.h.dropSession(m.h.sessions.byKey[to])
	delete(m.h.sessions.byKey, key)
	s.Key = to
	m.h.sessions.byKey[to] = s
	m.h.unsaved.add(key)
	m.h.unsaved.add(to)
}

// Void ends the sessions of the member, for a disconnect that the server requested.
func (m *Member) Void() {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	m.void()
}

func (m *Member) void() {
	for _, s := range slices.Clone(m.sessions) {
		m.h.dropSession(s)
	}
}

// openSessions starts the sessions of a new member and ends earlier sessions of the same keys.
func (h *Hub) openSessions(m *Member, keys []string, address netip.Addr) {
	cursor := m.cursor
	if m.reason == GapInvalid || m.reason == GapAhead {
		cursor = ID{h.head.Epoch, m.base}
	}
	for _, key := range keys {
		s := &session{
			Session: Session{Key: key, UserID: m.a.UserID, ClientID: m.a.ClientID,
				Namespace: m.a.Namespace, Cursor: cursor, Address: address},
			member: m,
		}
		if h.cluster != nil {
			s.Owner = &Owner{Node: h.cluster.Node}
		}
		if old := h.sessions.byKey[key]; old != nil {
			if m.recovered {
				s.Data, s.text, s.Void = old.Data, old.text, old.Void
			}
			if s.Owner != nil {
				s.Owner.Term = old.Owner.Term
			}
			h.dropSession(old)
		}
		m.sessions = append(m.sessions, s)
		h.sessions.byKey[key] = s
		h.unsaved.add(key)
	}
}

// pidPrefix keeps the secret names of sessions apart from those that clients choose.
const pidPrefix = "pid:"

// PIDKey returns the key of a session that has a secret name, the pid of Socket.IO. Only one
// connection at a time has such a session.
func PIDKey(pid string) string { return pidPrefix + pid }

// CutPIDKey is the inverse of PIDKey. It reports whether a key has the form.
func CutPIDKey(key string) (pid string, ok bool) { return strings.CutPrefix(key, pidPrefix) }

// TabKey returns the key of a session that a browser tab names. The key contains the user, so that
// no other user can resume the session by its name.
func TabKey(userID, sessionID string) string { return "tab:" + userID + "\x00" + sessionID }
