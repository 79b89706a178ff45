package notify

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// ResumeTimeout returns that of the options.
func (h *Hub) ResumeTimeout() time.Duration { return h.o.ResumeTimeout }

// ResumeSession returns the session of a key if there is one and may accepts it. Callers of Attach
// call it first, without locks. With Options.Cluster it takes the session over from another node,
// which ends its connection. It waits at most Options.ResumeTimeout for that, and as long to tell all nodes.
// If the store is away, there is no session except for one that this node has. It calls may more than
// once.
func (h *Hub) ResumeSession(
	ctx context.Context, key string, may func(Session) bool,
) (Session, bool) {
	if h.cluster != nil && !h.fetch(ctx, key, may) {
		return Session{}, false
	}
	s, ok := h.Session(key)
	return s, ok && may(s)
}

// fetch makes the session of a key one of this node, as the store has it. It reports false if the
// session is refused, whoever has it.
func (h *Hub) fetch(ctx context.Context, key string, may func(Session) bool) (valid bool) {
	ctx, cancel := context.WithTimeout(ctx, h.o.ResumeTimeout)
	defer cancel()
	f := h.beginFetch(key)
	defer h.endFetch(key, f)
	found, err := h.cluster.Sessions.Load(ctx, key)
	switch {
	case errors.Is(err, ErrVoidSession):
		h.dropKept(key)
		return false
	case errors.Is(err, ErrNoSession):
		h.forgetMoved(key)
		return true
	case err != nil:
		return true
	}
	switch stale, ended := h.isStale(found, f); {
	case ended:
		return false
	case !stale:
		return true
	case !may(found):
		h.giveUp(key, found.Owner)
		return true
	}
	if taken, ok := h.take(ctx, found, may); ok && h.adopt(taken, f) {
		// A former owner that does not answer has used up the time, and its connection must end.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.o.ResumeTimeout)
		defer cancel()
		h.tell(ctx, key, taken.Owner)
	}
	return true
}

// take stores a session, as it was found, with this node as its owner, and tells the former one. If
// other nodes do the same, the last one has the session.
func (h *Hub) take(
	ctx context.Context, found Session, may func(Session) bool,
) (taken Session, ok bool) {
	var formers []*Owner
	for {
		taken = found
		taken.Owner = &Owner{Node: h.cluster.Node, Term: found.Owner.next()}
		before, err := h.cluster.Sessions.Take(ctx, taken, h.o.SessionTTL)
		switch {
		case errors.Is(err, ErrNoSession):
			h.forgetMoved(found.Key)
			return taken, false
		case err != nil:
			return taken, false
		case !may(before): // another user came with the pid of a server that knows no users
			_ = h.cluster.Sessions.Save(ctx, []Session{before}, nil, h.o.SessionTTL)
			return taken, false
		}
		formers = append(formers, before.Owner)
		if before.Owner != nil && !before.Owner.isBefore(taken.Owner) {
			found = before // another node was faster, and its term is as high or higher
			continue
		}
		before.Owner = taken.Owner
		for _, former := range formers {
			if h.ask(ctx, &before, former) {
				h.endTaken(found.Key)
				return taken, false
			}
		}
		return before, true
	}
}

// isStale reports whether this node does not have a session that the store has, or only an older one.
// ended says that the node has ended it.
func (h *Hub) isStale(found Session, f *fetching) (stale, ended bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f.user = found.UserID
	s := h.sessions.byKey[found.Key]
	return s == nil || s.Owner.isBefore(found.Owner), h.hasEnded(found.Key)
}

// dropKept ends the session of a key that has no member.
func (h *Hub) dropKept(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sessions.byKey[key]; s != nil && s.member == nil {
		h.dropSession(s)
	}
}

// endTaken ends a session that this node has taken over in the store only, because its former owner
// has ended it.
func (h *Hub) endTaken(key string) {
	h.dropKept(key)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unsaved.add(key)
}

// forgetMoved drops the session of a key that the store has had and does not have any more, because a
// server of another kind has taken it over. A member's stays: the store has lost it.
func (h *Hub) forgetMoved(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sessions.byKey[key]
	if s == nil || !s.saved || s.member != nil {
		return
	}
	if _, changed := h.unsaved[key]; !changed {
		h.release(s)
	}
}

// fetching is a session that this node is taking over.
type fetching struct {
	calls int    // that run
	taken *Owner // the node that has taken the session over meanwhile; nil: none
	user  string // of the session, when it is known
	ended bool   // EndSessions was called for the user meanwhile
}

func (h *Hub) beginFetch(key string) *fetching {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.fetches[key]
	if f == nil {
		f = &fetching{}
		h.fetches[key] = f
	}
	f.calls++
	return f
}

func (h *Hub) endFetch(key string, f *fetching) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.calls--; f.calls == 0 {
		delete(h.fetches, key)
	}
}

// noteTaken is for a question about a session that this node does not have yet.
func (h *Hub) noteTaken(key string, by *Owner) {
	if f := h.fetches[key]; f != nil && (f.taken == nil || f.taken.isBefore(by)) {
		f.taken = by
	}
}

// adopt keeps a session that this node has taken over. It reports false if a newer connection, to this
// node or another, or the end of the session was faster.
func (h *Hub) adopt(of Session, f *fetching) bool {
	of.Expires = h.o.Now().Add(h.o.SessionTTL)
	text, _ := of.Data.(json.RawMessage)
	h.mu.Lock()
	defer h.mu.Unlock()
	old := h.sessions.byKey[of.Key]
	if old != nil && !old.Owner.isBefore(of.Owner) || f.taken != nil && of.Owner.isBefore(f.taken) ||
		f.ended || h.hasEnded(of.Key) {
		return false
	}
	h.release(old)
	s := &session{Session: of, text: text, saved: true}
	h.sessions.byKey[s.Key] = s
	s.place = h.sessions.kept.PushBack(s)
	h.sessions.count(s)
	h.ids[s.ClientID]++
	h.unsaved.add(s.Key)
	h.dropExcess()
	return true
}

// release drops a session, which may be nil, that another node has now. The store keeps it.
func (h *Hub) release(s *session) {
	if s == nil {
		return
	}
	h.dropSession(s)
	delete(h.unsaved, s.Key)
}

// isOver reports whether a session has ended after ResumeSession. f may be nil.
func (h *Hub) isOver(f *Former) bool {
	if f == nil || len(f.Sessions) == 0 || h.sessions.byKey[f.Sessions[0]] != nil {
		return false
	}
	return h.cluster == nil || h.hasEnded(f.Sessions[0])
}

// isTaken reports whether another node has taken a session after ResumeSession.
func (h *Hub) isTaken(f *Former) bool {
	return h.cluster != nil && len(f.Sessions) > 0 && h.sessions.byKey[f.Sessions[0]] == nil
}
