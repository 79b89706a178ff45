package notify

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

// SessionStore keeps sessions for the next process.
type SessionStore interface {
	// Load returns the sessions that Save has stored, except for those that it could not read.
	Load() []Session

	// Save stores sessions and removes those whose keys have ended. Data is nil or a
	// json.RawMessage. After an error the Hub calls it with the same sessions again.
	Save(changed []Session, ended []string) error
}

const (
	saveInterval = 100 * time.Millisecond
	saveStep     = 1024 // sessions that are copied at a time under the lock
)

// unsaved has the keys of the sessions that have changed since they were saved. It is nil if they are
// not saved at all.
type unsaved map[string]struct{}

func (u unsaved) add(key string) {
	if u != nil {
		u[key] = struct{}{}
	}
}

// addAll adds the sessions of a member.
func (u unsaved) addAll(m *Member) {
	if u == nil {
		return
	}
	for _, s := range m.sessions {
		u.add(s.Key)
	}
}

// restore takes over the sessions of the process before this one. Their clients have as much time to
// come back as if they had left now.
func (h *Hub) restore() {
	saved, now := h.o.Sessions.Load(), h.o.Now()
	for i := range saved {
		if saved[i].Expires.IsZero() {
			saved[i].Expires = now.Add(h.o.SessionTTL)
		}
	}
	slices.SortStableFunc(saved, func(a, b Session) int { return a.Expires.Compare(b.Expires) })
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unsaved = make(unsaved)
	for _, of := range saved {
		text, _ := of.Data.(json.RawMessage)
		s := &session{Session: of, text: text}
		h.sessions.byKey[s.Key] = s
		s.place = h.sessions.kept.PushBack(s)
		h.sessions.count(s)
		h.ids[s.ClientID]++
		h.unsaved.add(s.Key)
	}
	h.expireSessions(now)
	h.dropExcess()
}

// saveSessions saves what has changed.
func (h *Hub) saveSessions() {
	for {
		changed, ended := h.takeUnsaved()
		if len(changed) == 0 && len(ended) == 0 {
			return
		}
		err := h.writeSessions(changed, ended)
		h.noteSaved(changed, ended, err)
		if err != nil {
			return
		}
	}
}

func (h *Hub) writeSessions(changed []Session, ended []string) error {
	if h.cluster == nil {
		return h.o.Sessions.Save(changed, ended)
	}
	ctx, cancel := context.WithTimeout(context.Background(), sharedTimeout)
	defer cancel()
	return h.cluster.Sessions.Save(ctx, changed, ended, h.o.SessionTTL)
}

// noteSaved is called after a save. One that failed is repeated.
func (h *Hub) noteSaved(changed []Session, ended []string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ending = nil
	for _, of := range changed {
		if s := h.sessions.byKey[of.Key]; s != nil && s.ClientID == of.ClientID && s.Void == "" {
			s.Void = of.Void
		}
	}
	if err != nil {
		for _, s := range changed {
			h.unsaved.add(s.Key)
		}
		for _, key := range ended {
			h.unsaved.add(key)
		}
		h.boundUnsaved()
		return
	}
	if h.cluster == nil {
		return
	}
	for _, of := range changed {
		if s := h.sessions.byKey[of.Key]; s != nil {
			s.saved = true
		}
	}
}

// takeUnsaved returns sessions to save, and the keys of those that have ended.
func (h *Hub) takeUnsaved() (changed []Session, ended []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key := range h.unsaved {
		if len(changed)+len(ended) == saveStep {
			break
		}
		delete(h.unsaved, key)
		s := h.sessions.byKey[key]
		if s == nil {
			ended = append(ended, key)
			continue
		}
		of := s.Session
		if of.Data = nil; s.text != nil {
			of.Data = s.text
		}
		if s.member != nil {
			of.Channels, of.Granted = s.member.rooms(isChannel), slices.Clone(s.member.granted)
		}
		changed = append(changed, of)
	}
	h.ending = ended
	return changed, ended
}

// hasEnded reports whether this node has ended the session of a key, and the store may still have it.
func (h *Hub) hasEnded(key string) bool {
	if h.sessions.byKey[key] != nil {
		return false
	}
	_, ended := h.unsaved[key]
	return ended || slices.Contains(h.ending, key)
}
