package notify

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Publish validates what is to be published, stores it and gives it to the members of a target; the zero Target is
// the one of the kind itself, or that among the options. The error is a *ValidationError, or wraps ErrUnavailable when
// it could not be stored; nothing was sent then. A volatile one is not stored. Nobody online is no error. The slices
// given are kept: do not change them afterwards.
//
//	receipt, err := hub.Publish(ctx, notify.Notification{Type: "order:new", Data: data}, notify.ToChannel("orders"))
func (h *Hub) Publish(ctx context.Context, what Typed, to Target, options ...Option) (Receipt, error) {
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
	return h.Deliver(ctx, m)
}

// PublishBatch publishes up to MaxBatch items. An invalid one has its *ValidationError in its Result and stops no
// other. The others are stored together and in order, before the volatile ones are sent; the error, which wraps
// ErrUnavailable, says that nothing of the batch was sent.
func (h *Hub) PublishBatch(ctx context.Context, items []Publication) ([]Result, error) {
	if len(items) > MaxBatch {
		return nil, &ValidationError{"batch", fmt.Sprintf("has %d items, expected at most %d", len(items), MaxBatch)}
	}
	results := make([]Result, len(items))
	messages := make([]*Message, len(items))
	var stored []*Message
	for i, item := range items {
		m, err := newMessage(item.Notification, item.Target)
		if err != nil {
			results[i].Err = err
			continue
		}
		messages[i] = m
		if !m.Volatile {
			stored = append(stored, m)
		}
	}
	if err := h.append(ctx, stored); err != nil {
		return nil, err
	}
	for i, m := range messages {
		if m == nil {
			continue
		}
		if m.Volatile {
			h.stampTime(m)
			h.local(m)
		}
		results[i].Receipt = m.receipt()
	}
	return results, nil
}

// Deliver publishes a message that was built elsewhere, such as an emit: it checks no name. Namespace "" becomes
// "/", a zero Timestamp the time; the ID is given here. Errors are those of Publish; one without rooms is refused.
func (h *Hub) Deliver(ctx context.Context, m *Message) (Receipt, error) {
	if len(m.Rooms) == 0 {
		return Receipt{}, &ValidationError{"rooms", "is empty, expected the room of a target"}
	}
	if m.Namespace == "" {
		m.Namespace = "/"
	}
	if m.Volatile {
		if h.closed.Load() {
			return Receipt{}, fmt.Errorf("%w: %w", ErrUnavailable, ErrClosed)
		}
		h.stampTime(m)
		h.local(m)
		return m.receipt(), nil
	}
	if err := h.append(ctx, []*Message{m}); err != nil {
		return Receipt{}, err
	}
	return m.receipt(), nil
}

// append stores messages, which delivers them.
func (h *Hub) append(ctx context.Context, messages []*Message) error {
	if h.closed.Load() {
		return fmt.Errorf("%w: %w", ErrUnavailable, ErrClosed)
	}
	if len(messages) == 0 {
		return nil
	}
	for _, m := range messages {
		h.stampTime(m)
	}
	if err := h.log.Append(ctx, messages); err != nil {
		if errors.Is(err, ErrUnavailable) {
			return err
		}
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// stampTime gives m its time, in the precision of the wire.
func (h *Hub) stampTime(m *Message) {
	m.accepted = h.o.Now()
	if m.Timestamp.IsZero() {
		m.Timestamp = m.accepted
	}
	m.Timestamp = m.Timestamp.UTC().Truncate(time.Millisecond)
}

// receipt returns what the fan-out counted, which was before Append returned.
func (m *Message) receipt() Receipt {
	r := m.matched
	r.Targets = len(m.Rooms)
	if r.Stored = !m.Volatile; r.Stored {
		r.ID = m.ID.String()
	}
	return r
}
