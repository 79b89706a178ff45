package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/roomcast/roomcast/notify/strictjson"
)

// Publish validates a notification or kind, stores it in the log, and delivers it to the members of
// its target. With the zero Target it uses the target in options or else the kind's own. The log
// does not store a volatile notification. Nobody online is no error.
//
// The error is a *ValidationError, a *RetainError, or wraps ErrUnavailable if the log cannot store
// the notification, after Drain, and while Shed is on; for a context with a Claim it can be a
// *ClaimedError. In all cases the Hub sends nothing. The Hub keeps the slices: do not change them
// after the call.
//
//	order := notify.Notification{Type: "order:new", Data: data}
//	receipt, err := hub.Publish(ctx, order, notify.ToChannel("orders"))
func (h *Hub) Publish(
	ctx context.Context, what Typed, to Target, options ...Option,
) (Receipt, error) {
	n, own, err := what.Build()
	if err != nil {
		return Receipt{}, err
	}
	if len(options) > 0 {
		n, own = changed(n, own, options)
	}
	if to.IsZero() {
		to = own
	}
	m, err := newMessage(n, to)
	if err != nil {
		return Receipt{}, err
	}
	return h.deliverWatched(ctx, m)
}

// PublishBatch publishes up to MaxBatch items. The Result of an invalid item has its
// *ValidationError, and the other items go out. The log stores these together, in their order; then
// the Hub sends the volatile ones. An error means that the Hub sent nothing: it wraps
// ErrUnavailable, or is a *ValidationError for too many items.
func (h *Hub) PublishBatch(ctx context.Context, items []Publication) ([]Result, error) {
	return deliverBatch(ctx, h, items, func(p Publication) (*Message, error) {
		return newMessage(p.Notification, p.Target)
	})
}

// deliverBatch builds a message for each item and delivers those that are valid.
func deliverBatch[T any](
	ctx context.Context, h *Hub, items []T, build func(T) (*Message, error),
) (results []Result, err error) {
	if len(items) > MaxBatch {
		return nil, refuse("batch", "has %d items, expected at most %d", len(items), MaxBatch)
	}
	results = make([]Result, len(items))
	built := make([]*Message, 0, len(items))
	places := make([]int, 0, len(items)) // built[i] is of items[places[i]]
	for i, item := range items {
		m, err := build(item)
		if err != nil {
			results[i].Err = err
			continue
		}
		built, places = append(built, m), append(places, i)
	}
	ctx, ended := h.traceBatch(ctx, built)
	messages := built[:0]
	defer func() { ended(messages, err) }()
	var retain []*Message
	defer func() { h.releaseRetained(retain) }()
	for i, m := range built {
		if m.Retain {
			if err := h.claimRetained(m); err != nil {
				results[places[i]].Err = err
				continue
			}
			retain = append(retain, m)
		}
		h.watch(m)
		places[len(messages)] = places[i]
		messages = append(messages, m)
	}
	if c := claimOf(ctx); c != nil {
		ctx = c.with(ctx, func() []Result {
			assigned := slices.Clone(results)
			for i, m := range messages {
				assigned[places[i]].Receipt = m.assigned()
			}
			return assigned
		})
	}
	if err := h.DeliverBatch(ctx, messages); err != nil {
		return nil, err
	}
	for i, m := range messages {
		results[places[i]].Receipt = h.receipt(m)
		h.reportAbsent(m)
	}
	return results, nil
}

// DeliverBatch is Deliver for several messages with rooms: the log stores them together, in their
// order; then the Hub sends the volatile ones. It does not check the limits of messages with Retain.
func (h *Hub) DeliverBatch(ctx context.Context, messages []*Message) (err error) {
	ctx, ended := h.traceBatch(ctx, messages)
	defer func() { ended(messages, err) }()
	var stored []*Message
	for _, m := range messages {
		if !m.Volatile {
			stored = append(stored, m)
		}
	}
	if err := h.append(ctx, stored); err != nil {
		return err
	}
	for _, m := range messages {
		if m.Volatile {
			h.publishVolatile(m)
		}
	}
	return nil
}

// Deliver publishes a message that the caller has built, such as an emit. It does not validate
// names. It sets the ID, Namespace if it is "", and Timestamp if it is zero. The errors are those
// of Publish; a message without rooms is invalid.
func (h *Hub) Deliver(ctx context.Context, m *Message) (Receipt, error) {
	if len(m.Rooms) == 0 {
		return Receipt{}, &ValidationError{"rooms", "is empty, expected at least one room"}
	}
	if m.Namespace == "" {
		m.Namespace = "/"
	}
	if h.o.Tracer != nil {
		return h.deliverTraced(ctx, m)
	}
	return h.deliver(ctx, m)
}

func (h *Hub) deliver(ctx context.Context, m *Message) (Receipt, error) {
	if m.Volatile && !m.Retain {
		if err := h.Accepts(); err != nil {
			return Receipt{}, err
		}
		h.publishVolatile(m)
		return h.receipt(m), nil
	}
	if m.Retain {
		if err := h.claimRetained(m); err != nil {
			return Receipt{}, err
		}
		defer h.releaseRetained([]*Message{m})
	}
	if c := claimOf(ctx); c != nil {
		ctx = c.with(ctx, func() []Result { return []Result{{Receipt: m.assigned()}} })
	}
	if err := h.append(ctx, []*Message{m}); err != nil {
		return Receipt{}, err
	}
	return h.receipt(m), nil
}

// append stores messages in the log, which delivers them.
func (h *Hub) append(ctx context.Context, messages []*Message) error {
	if err := h.Accepts(); err != nil {
		return err
	}
	if len(messages) == 0 {
		return nil
	}
	for _, m := range messages {
		h.prepare(m)
	}
	if err := h.appendTraced(ctx, messages); err != nil {
		var claimed *ClaimedError
		if errors.Is(err, ErrUnavailable) || errors.As(err, &claimed) {
			return err
		}
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	h.published.Add(uint64(len(messages)))
	return nil
}

// prepare is the one place that every message passes before it is sent or stored. It puts the JSON
// on one line, because a line break ends a field of an event stream, and sets the times, in the
// precision of the wire.
func (h *Hub) prepare(m *Message) {
	for _, text := range []*json.RawMessage{&m.Data, &m.Metadata, &m.Args, &m.BinaryArgs} {
		*text = strictjson.OneLine(*text)
	}
	m.accepted = h.o.Now()
	if m.Timestamp.IsZero() {
		m.Timestamp = m.accepted
	}
	m.Timestamp = m.Timestamp.UTC().Truncate(time.Millisecond)
}

// receipt returns the counts of the fan-out, which ran before Append returned, and those of other
// nodes. The former are 0 if this node delivers the message late; the log has stored it all the same.
func (h *Hub) receipt(m *Message) (r Receipt) {
	if m.counted.Load() {
		r = m.matched
		r.Stored = m.kept.Load() // later messages, or the limits, may have removed it already
	} else {
		r.Stored = !m.Volatile
	}
	h.addElsewhere(&r, m)
	r.Targets = len(m.Rooms)
	if !m.Volatile {
		r.ID = m.ID.String()
	}
	return r
}
