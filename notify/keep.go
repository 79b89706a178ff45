package notify

import (
	"container/list"
	"encoding/json"
	"net/netip"
	"slices"
	"time"

	"github.com/roomcast/roomcast/notify/internal/share"
)

// session is a Session of an attached member, or one that the Hub keeps.
type session struct {
	Session
	text   json.RawMessage // Data as it is saved
	saved  bool            // the store of the cluster has had it
	member *Member         // nil after Detach

	// These are set at Detach.
	place *list.Element // in sessions.kept
	cost  int64
	by    []heldBy
}

// holder is a user or an address with the sessions that the Hub keeps for it, oldest first.
type holder struct {
	key  holderKey
	kept list.List // of *session
}

// holderKey names a user or an address; the other one is zero.
type holderKey struct {
	user    string
	address netip.Addr
}

// heldBy is the place of a session in a holder's list.
type heldBy struct {
	*share.Holding[holder]
	place *list.Element
}

// sessions holds all sessions by key, and those of detached members in the order of their expiry.
type sessions struct {
	byKey     map[string]*session
	kept      *list.List // of *session
	bytes     int64      // cost of the kept ones
	most      int
	mostBytes int64
	holders   map[holderKey]*share.Holding[holder]
	shares    share.Shares[holder]
}

func newSessions(most int, mostBytes int64) sessions {
	return sessions{
		byKey: make(map[string]*session), kept: list.New(), most: most, mostBytes: mostBytes,
		holders: make(map[holderKey]*share.Holding[holder]),
		shares:  share.Shares[holder]{Limit: mostBytes / sessionShare},
	}
}

// holders returns the user and the address of a session, if it has them.
func (s *session) holders() []holderKey {
	all := [2]holderKey{{user: s.UserID}, {address: s.Address}}
	return slices.DeleteFunc(all[:], func(by holderKey) bool { return by == holderKey{} })
}

// weight returns the bytes that a session counts in its holders' shares. It is at least the maximum
// of bytes divided by the maximum number of sessions, so that the share limits the number too.
func (s *sessions) weight(of *session) int64 {
	return max(of.cost, s.mostBytes/int64(max(s.most, 1)))
}

// hold adds a kept session to a holder, which is created if there is none.
func (s *sessions) hold(by holderKey, of *session) {
	h := s.holders[by]
	if h == nil {
		h = &share.Holding[holder]{Of: holder{key: by}}
		s.holders[by] = h
	}
	of.by = append(of.by, heldBy{h, h.Of.kept.PushBack(of)})
	s.shares.Charge(h, s.weight(of))
}

// release removes a kept session from its holders.
func (s *sessions) release(of *session) {
	for _, by := range of.by {
		by.Of.kept.Remove(by.place)
		s.shares.Charge(by.Holding, -s.weight(of))
		if by.Of.kept.Len() == 0 {
			delete(s.holders, by.Of.key)
		}
	}
	of.by = nil
}

// excess returns the session to drop because there are too many, or nil.
func (s *sessions) excess() *session {
	if s.kept.Len() <= s.most && s.bytes <= s.mostBytes {
		return nil
	}
	oldest := s.kept.Front()
	if heaviest := s.shares.Heaviest(); heaviest != nil {
		oldest = heaviest.Of.kept.Front()
	}
	return oldest.Value.(*session)
}

// keepSessions keeps the sessions of a member that detaches, and drops others when there are too
// many.
func (h *Hub) keepSessions(m *Member) {
	if len(m.sessions) == 0 {
		return
	}
	h.keepHanded(m)
	channels, expires := m.rooms(isChannel), h.o.Now().Add(h.o.SessionTTL)
	for _, s := range m.sessions {
		s.Channels, s.Granted, s.Expires, s.member = channels, m.granted, expires, nil
		s.place = h.sessions.kept.PushBack(s)
		h.sessions.count(s)
		h.ids[s.ClientID]++
		h.unsaved.add(s.Key)
	}
	m.sessions = nil
	h.dropExcess()
}

func (h *Hub) dropExcess() {
	for s := h.sessions.excess(); s != nil; s = h.sessions.excess() {
		h.dropSession(s)
	}
}

// count adds what a kept session takes.
func (s *sessions) count(of *session) {
	holders := of.holders()
	of.cost = sessionBytes(&of.Session, len(holders))
	s.bytes += of.cost
	for _, by := range holders {
		s.hold(by, of)
	}
}

// uncount is the inverse of count.
func (s *sessions) uncount(of *session) {
	s.release(of)
	s.bytes -= of.cost
}

// dropSession ends s, which may be nil.
func (h *Hub) dropSession(s *session) {
	if s == nil || h.sessions.byKey[s.Key] != s {
		return
	}
	delete(h.sessions.byKey, s.Key)
	delete(h.handed, s)
	h.unsaved.add(s.Key)
	if s.member != nil {
		s.member.sessions = slices.DeleteFunc(s.member.sessions, func(of *session) bool {
			return of == s
		})
		return
	}
	h.sessions.kept.Remove(s.place)
	h.sessions.uncount(s)
	h.forgetID(s.ClientID)
}

// expireSessions ends the kept sessions that have expired.
func (h *Hub) expireSessions(now time.Time) {
	for {
		oldest := h.sessions.kept.Front()
		if oldest == nil || now.Before(oldest.Value.(*session).Expires) {
			return
		}
		s := oldest.Value.(*session)
		h.dropSession(s)
		if h.cluster != nil { // where it expires by itself, unless another node has it now
			delete(h.unsaved, s.Key)
		}
	}
}
