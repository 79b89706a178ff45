package notify

import (
	"container/list"
	"slices"
	"time"
)

// Session is what is kept of a member for the next connection of its client. The transport decides whether that
// client may have it: the user must be the same, and its channels are authorised anew.
type Session struct {
	Key       string
	UserID    string
	ClientID  string
	Namespace string
	Channels  []string  // hub rooms that are channels, as of now or the detach
	Granted   []string  // hub rooms that the server put it into: they need no permission of the client
	Cursor    ID        // at attach: where a client resumes that got no id since
	Expires   time.Time // zero while its member is attached
	Data      any       // what Hub.KeepData put there
}

// session is a Session in the Hub: of a member, or kept.
type session struct {
	Session
	member *Member       // nil once kept
	place  *list.Element // in sessions.kept
	cost   int64         // once kept
}

// sessions are all of them by key, and the kept ones in the order of their end.
type sessions struct {
	byKey map[string]*session
	kept  *list.List // of *session
	bytes int64      // cost of the kept ones
}

func newSessions() sessions { return sessions{byKey: make(map[string]*session), kept: list.New()} }

// Session returns the session of a key: of its member, or kept since that detached and not yet expired.
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

// KeepData puts a value of the transport's into the session of a key, when there is one. It lives as long as that, in
// this process. Options.MaxSessionBytes does not count it: the transport bounds it.
func (h *Hub) KeepData(key string, data any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sessions.byKey[key]; s != nil {
		s.Data = data
	}
}

// ForgetSession ends the session of a key. Its member, when it has one, stays attached without.
func (h *Hub) ForgetSession(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dropSession(h.sessions.byKey[key])
}

// RenameSession keeps the member's session of a key under another key: the old one is of no use from then on.
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
}

// Void forgets the sessions of the member, for a disconnect ordered by the server.
func (m *Member) Void() {
	m.h.mu.Lock()
	defer m.h.mu.Unlock()
	for _, s := range slices.Clone(m.sessions) {
		m.h.dropSession(s)
	}
}

// openSessions starts the sessions of a new member under keys and ends any other of their keys: the newest wins.
func (h *Hub) openSessions(m *Member, keys []string) {
	cursor := m.cursor
	if m.reason == GapInvalid || m.reason == GapAhead {
		cursor = ID{h.head.Epoch, m.base}
	}
	for _, key := range keys {
		s := &session{
			Session: Session{Key: key, UserID: m.a.UserID, ClientID: m.a.ClientID, Namespace: m.a.Namespace, Cursor: cursor},
			member:  m,
		}
		if old := h.sessions.byKey[key]; old != nil {
			if m.recovered {
				s.Data = old.Data
			}
			h.dropSession(old)
		}
		m.sessions = append(m.sessions, s)
		h.sessions.byKey[key] = s
	}
}

// keepSessions keeps the sessions of a member that detaches, in place of the oldest when there are too many.
func (h *Hub) keepSessions(m *Member) {
	if len(m.sessions) == 0 {
		return
	}
	channels, expires := m.rooms(isChannel), h.o.Now().Add(h.o.SessionTTL)
	for _, s := range m.sessions {
		s.Channels, s.Granted, s.Expires, s.member = channels, m.granted, expires, nil
		s.place = h.sessions.kept.PushBack(s)
		s.cost = sessionBytes(&s.Session)
		h.sessions.bytes += s.cost
		h.ids[s.ClientID]++
	}
	m.sessions = nil
	for h.sessions.kept.Len() > h.o.MaxSessions || h.sessions.bytes > h.o.MaxSessionBytes {
		h.dropSession(h.sessions.kept.Front().Value.(*session))
	}
}

// dropSession forgets s, which may be nil.
func (h *Hub) dropSession(s *session) {
	if s == nil || h.sessions.byKey[s.Key] != s {
		return
	}
	delete(h.sessions.byKey, s.Key)
	if s.member != nil {
		s.member.sessions = slices.DeleteFunc(s.member.sessions, func(of *session) bool { return of == s })
		return
	}
	h.sessions.kept.Remove(s.place)
	h.sessions.bytes -= s.cost
	h.forgetID(s.ClientID)
}

// expireSessions forgets the kept sessions that end by now.
func (h *Hub) expireSessions(now time.Time) {
	for {
		oldest := h.sessions.kept.Front()
		if oldest == nil || now.Before(oldest.Value.(*session).Expires) {
			return
		}
		h.dropSession(oldest.Value.(*session))
	}
}

// TabKey is the key of the session that a browser tab names by itself. It is bound to the user, so that nobody can
// take over the channels of another by naming the tab.
func TabKey(userID, sessionID string) string { return "tab:" + userID + "\x00" + sessionID }
