package notify

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/roomcast/roomcast/notify/strictjson"
)

// RetainedStore keeps retained notifications when the process ends. The log writes them: in the
// step that stores a message with Retain, it replaces the stored one of the same room and type. So
// exactly the notifications that were acknowledged are retained.
type RetainedStore interface {
	// Retained returns the stored messages, which have their ids, timestamps and Retain.
	Retained() []*Message
	// DeleteRetained removes the message of a type and hub room. Without one it does nothing.
	DeleteRetained(ctx context.Context, hubRoom, kind string) error
}

// loadRetained reads the store. Those of the log's epoch have the positions of their ids. head is
// that of the log: what the log replays up to it is in the store, or was deleted.
func (h *Hub) loadRetained(head ID) {
	h.retained.loaded = head
	if h.o.RetainedStore == nil {
		return
	}
	all := h.o.RetainedStore.Retained()
	position := func(m *Message) int64 {
		if m.ID.Epoch != head.Epoch {
			return everFrom
		}
		return int64(m.ID.Seq)
	}
	slices.SortStableFunc(all, func(a, b *Message) int {
		return cmp.Compare(position(a), position(b))
	})
	for i, m := range all {
		m.cost = cost(m)
		h.retained.put(m, max(position(m), int64(i-len(all))))
	}
}

// Retained returns the retained messages of a target of one channel or one user, oldest first, as
// members that join get them. It does not validate the name.
func (h *Hub) Retained(of Target) []*Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retained.expire(h.o.Now())
	var messages []*Message
	for _, room := range of.rooms() {
		for _, s := range h.retained.all(room) {
			messages = append(messages, s.msg)
		}
	}
	return messages
}

// DeleteRetained removes the retained message of a type from a target of one channel or one user,
// or with "" those of all types. It returns their number. Connected clients are not informed. The
// error wraps ErrUnavailable if the store cannot remove a message; those before it are removed. A log of
// several nodes removes them from all, except those that other messages have replaced meanwhile.
func (h *Hub) DeleteRetained(ctx context.Context, of Target, kind string) (deleted int, err error) {
	if h.shared != nil {
		return h.deleteShared(ctx, of, kind)
	}
	for _, room := range of.rooms() {
		for _, name := range h.retainedTypes(room, kind) {
			if store := h.o.RetainedStore; store != nil {
				if err := store.DeleteRetained(ctx, room, name); err != nil {
					return deleted, fmt.Errorf("%w: %w", ErrUnavailable, err)
				}
			}
			h.mu.Lock()
			if h.retained.delete(room, name) {
				deleted++
			}
			h.mu.Unlock()
		}
	}
	return deleted, nil
}

// retainedTypes returns the types that a room retains, only kind if that is not "".
func (h *Hub) retainedTypes(room, kind string) (types []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retained.expire(h.o.Now())
	for _, s := range h.retained.all(room) {
		if kind == "" || kind == s.kind {
			types = append(types, s.kind)
		}
	}
	return types
}

// claimRetained reserves the memory for a message with Retain. Without an error the caller calls
// releaseRetained after the append.
func (h *Hub) claimRetained(m *Message) error {
	if len(m.Rooms) != 1 || m.Args != nil || m.Volatile {
		return refuse("retain", "needs a stored notification with one room")
	}
	m.Data, m.Metadata = strictjson.OneLine(m.Data), strictjson.OneLine(m.Metadata)
	m.marked = marked(m)
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.retained.claim(m, h.o.Now())
}

func (h *Hub) releaseRetained(messages []*Message) {
	if len(messages) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range messages {
		h.retained.release(m)
	}
}
