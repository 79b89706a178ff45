package notify

import (
	"context"
	"fmt"
)

// RetainedID names one retained message.
type RetainedID struct {
	Room, Type string // Room is the hub room
	ID         ID
}

// RetainedState is what all nodes retain. Messages after At can be in it, too. Of the messages up to At
// that are not, other messages have taken the place, or they were deleted.
type RetainedState struct {
	Messages []*Message
	At       ID
}

// SharedRetained is a Log that keeps the retained messages of all nodes. It delivers a Batch.State with
// its first batch and with each Loss, and a Batch.Deleted for each message that a node has deleted. The
// ids of its messages have one epoch.
type SharedRetained interface {
	Log

	// CatchUp returns when the follower has got everything that was stored before the call.
	CatchUp(ctx context.Context) error

	// DeleteRetained deletes messages from all nodes, and returns how many there were. A message that
	// another one has replaced is none. The follower of this node has got the deletions then, if it
	// keeps up.
	DeleteRetained(ctx context.Context, all []RetainedID) (deleted int, err error)
}

// sharedSlack is how many times the limits of retained messages the nodes can have together: nodes that
// publish at the same moment do not know of each other. A node that has more refuses its own.
const sharedSlack = 2

// replaceRetained makes the messages of a state the retained ones.
func (h *Hub) replaceRetained(s *RetainedState) {
	for _, m := range s.Messages {
		m.marked = marked(m) // before the lock
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retained.replace(s)
	h.retained.expire(h.o.Now())
}

// replace makes the messages of a state the retained ones. Claims stay.
func (t *retained) replace(s *RetainedState) {
	t.loaded = s.At
	for _, r := range t.rooms {
		for len(r.order) > 0 {
			t.remove(r.order[len(r.order)-1])
		}
	}
	for _, m := range s.Messages {
		if t.admits(m) {
			t.put(m, int64(m.ID.Seq))
		}
	}
}

// share retains a message that the log delivers to all nodes. The state can have a later one already.
func (t *retained) share(m *Message) {
	s := t.slot(m)
	if s != nil && s.msg != nil && s.msg.ID.Seq >= m.ID.Seq {
		return
	}
	if m.marked == nil { // of another node
		m.marked = marked(m)
		if !t.admits(m) {
			if s != nil && s.msg != nil {
				t.remove(s)
			}
			return
		}
	}
	t.put(m, int64(m.ID.Seq))
}

// admits reports whether there is room for a message of another node, which has checked the limits.
func (t *retained) admits(m *Message) bool {
	grows, used, types := retainedBytes(m.marked), int64(0), 0
	s := t.slot(m)
	if s != nil {
		grows -= s.counts
	}
	if r := t.rooms[m.Rooms[0]]; r != nil {
		used, types = r.bytes, len(r.byType)
	}
	return (s != nil || types < sharedSlack*t.size) &&
		used+grows <= sharedSlack*(t.maxBytes/retainedShare) && t.bytes+grows <= sharedSlack*t.maxBytes
}

// noteDeleted removes a message that a node has deleted, and none that came after it.
func (h *Hub) noteDeleted(d RetainedID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := &h.retained
	if r := t.rooms[d.Room]; r != nil {
		if s := r.byType[d.Type]; s != nil && s.msg != nil && s.msg.ID.Seq <= d.ID.Seq {
			t.remove(s)
		}
	}
}

// deleteShared is DeleteRetained for all nodes. It deletes what was stored before the call.
func (h *Hub) deleteShared(ctx context.Context, of Target, kind string) (deleted int, err error) {
	if err := h.shared.CatchUp(ctx); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if deleted, err = h.shared.DeleteRetained(ctx, h.retainedIDs(of.rooms(), kind)); err != nil {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return deleted, err
}

// retainedIDs returns what the rooms retain, only the messages of a type if kind is not "".
func (h *Hub) retainedIDs(hubRooms []string, kind string) (all []RetainedID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retained.expire(h.o.Now())
	for _, room := range hubRooms {
		for _, s := range h.retained.all(room) {
			if kind == "" || kind == s.kind {
				all = append(all, RetainedID{room, s.kind, s.msg.ID})
			}
		}
	}
	return all
}
