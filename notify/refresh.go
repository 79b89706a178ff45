package notify

import (
	"context"
	"fmt"
	"time"
)

const (
	// sharedTimeout is how long a goroutine of the Hub waits for the store of the cluster.
	sharedTimeout = 2 * time.Second
	// refreshes is how often within SessionTTL the sessions of members get more time.
	refreshes = 3
	// maxEnded is how many keys of ended sessions wait for a store that is away. Others expire.
	maxEnded = 1 << 16
)

// share starts to share sessions.
func (h *Hub) share(c *Cluster) (stop func()) {
	h.cluster = c
	h.unsaved, h.fetches = make(unsaved), make(map[string]*fetching)
	c.Peers.Handle(takeKind, h.answerTaking)
	c.Peers.Handle(tookKind, h.hearTaking)
	return every(max(h.o.SessionTTL/refreshes, time.Millisecond), h.refreshSessions)
}

// refreshSessions gives the sessions of members more time. It also finds those that the store has lost,
// and those that another node has taken over without this one being told.
func (h *Hub) refreshSessions() {
	keys := h.attachedKeys()
	for len(keys) > 0 {
		n := min(len(keys), saveStep)
		if !h.refresh(keys[:n]) {
			return
		}
		keys = keys[n:]
	}
}

// attachedKeys returns the keys of the sessions that have a member and that the store has.
func (h *Hub) attachedKeys() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var keys []string
	for key, s := range h.sessions.byKey {
		if s.member != nil && s.saved {
			keys = append(keys, key)
		}
	}
	return keys
}

func (h *Hub) refresh(keys []string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), sharedTimeout)
	defer cancel()
	found, err := h.cluster.Sessions.Keep(ctx, keys, h.o.SessionTTL)
	if err != nil {
		return false
	}
	owners := make(map[string]*Owner, len(found))
	for i := range found {
		owners[found[i].Key] = found[i].Owner
		h.giveUp(found[i].Key, found[i].Owner)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, key := range keys {
		s, owner := h.sessions.byKey[key], owners[key]
		if s != nil && (owner == nil || owner.isBefore(s.Owner)) {
			h.unsaved.add(key) // the store has lost it, or an older one
		}
	}
	return true
}

// boundUnsaved drops keys of ended sessions when there are too many.
func (h *Hub) boundUnsaved() {
	if h.cluster == nil || len(h.unsaved) <= maxEnded+len(h.sessions.byKey) {
		return
	}
	for key := range h.unsaved {
		if h.sessions.byKey[key] == nil {
			delete(h.unsaved, key)
		}
	}
}

// VoidUser refuses the sessions of a user that the nodes have saved, so that they cannot be resumed.
// EndSessions ends those that a node has not saved yet. Without Options.Cluster VoidUser does nothing.
// Its error wraps ErrUnavailable.
func (h *Hub) VoidUser(ctx context.Context, userID string) error {
	if h.cluster == nil || userID == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sharedTimeout)
	defer cancel()
	// Longer than each of the sessions, of which one may be written now.
	if err := h.cluster.Sessions.Void(ctx, userID, 2*h.o.SessionTTL); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}
