package notify

import (
	"context"
	"slices"
)

// Undelivered is a notification or an emit of a backend that did not reach all of its target.
type Undelivered struct {
	// Message has no ID if it was not stored, because clients were asked to acknowledge it.
	Message *Message

	// Rooms are the hub rooms of the target that had no member when the message was published. A
	// member that was excepted counts. With Asked they are all rooms of the target.
	Rooms []string

	// Asked is the number of clients that were asked to acknowledge the message. None of them did.
	Asked int
}

// OnUndelivered adds a function that the Hub calls for every message of Publish, PublishBatch, Emit
// and EmitBatch whose target had a user or a channel without a connection, or a client without one
// on this node, in the goroutine of the publisher. Volatile messages do not count: their publisher accepts the
// loss. Without such a function a publish does not look for them. Call OnUndelivered before serving.
func (h *Hub) OnUndelivered(f func(Undelivered)) { h.undelivered = then(h.undelivered, f) }

// ReportUndelivered calls the functions of OnUndelivered, for a transport that has asked clients.
func (h *Hub) ReportUndelivered(u Undelivered) {
	if h.undelivered != nil {
		h.undelivered(u)
	}
}

// absent collects the hub rooms of a message that have no member. The publish fills it under the
// Hub's lock, before the publisher reads it.
type absent struct{ rooms []string }

// deliverWatched is Deliver for a message that OnUndelivered is about.
func (h *Hub) deliverWatched(ctx context.Context, m *Message) (Receipt, error) {
	h.watch(m)
	receipt, err := h.Deliver(ctx, m)
	if err == nil {
		h.reportAbsent(m)
	}
	return receipt, err
}

func (h *Hub) watch(m *Message) {
	if h.undelivered != nil && !m.Volatile {
		m.absent = new(absent)
	}
}

func (h *Hub) reportAbsent(m *Message) {
	if m.absent == nil {
		return
	}
	absent := slices.DeleteFunc(h.takeAbsent(m), h.isElsewhere)
	if len(absent) > 0 {
		h.undelivered(Undelivered{Message: m, Rooms: absent})
	}
}

// takeAbsent returns the hub rooms that had no member in the fan-out. For a message that this node
// delivers late it returns those that have none now.
func (h *Hub) takeAbsent(m *Message) (names []string) {
	if m.counted.Load() {
		names, m.absent = m.absent.rooms, nil
		return names
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	m.absent = nil // the fan-out, which takes the lock, does not need it
	for _, name := range m.Rooms {
		if r := h.index.table.Room(name); r == nil || r.Len() == 0 {
			names = append(names, name)
		}
	}
	return names
}
