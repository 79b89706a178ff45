package notify

import (
	"context"
	"time"

	"github.com/roomcast/roomcast/notify/strictjson"
)

// Typed is what is published: a Notification, or a kind of package catalogue such as catalogue.Payment.
type Typed interface {
	// Build returns the notification and its own target; the zero Target when one has to be named. The error is
	// a *ValidationError.
	Build() (Notification, Target, error)
}

// Build returns n itself: a Notification has no target of its own.
func (n Notification) Build() (Notification, Target, error) { return n, Target{}, nil }

// Text returns a text for people as a notification: type "notification", data {"message": …}.
func Text(message string) Notification {
	data := strictjson.AppendString([]byte(`{"message":`), message)
	return Notification{Type: "notification", Data: append(data, '}')}
}

// Option changes one publish: Except, TTL, Volatile or, for Send, a Target in place of the kind's own.
type Option interface{ apply(*Publication) }

type optionFunc func(*Publication)

func (f optionFunc) apply(p *Publication) { f(p) }

// changed applies options, in their order.
func changed(n Notification, own Target, options []Option) (Notification, Target) {
	p := Publication{n, own}
	for _, o := range options {
		o.apply(&p)
	}
	return p.Notification, p.Target
}

// apply makes the target that of the publication.
func (t Target) apply(p *Publication) { p.Target = t }

// Except leaves out connections, such as the one that caused it.
func Except(clientIDs ...string) Option {
	return optionFunc(func(p *Publication) { p.Notification.Except = clientIDs })
}

// TTL says for how long it is worth a replay; see Notification.TTL.
func TTL(d time.Duration) Option {
	return optionFunc(func(p *Publication) { p.Notification.TTL = d })
}

// Volatile sends to the connections that keep up now: it is not stored and not replayed.
func Volatile() Option {
	return optionFunc(func(p *Publication) { p.Notification.Volatile = true })
}

// Send is Publish to the target that a kind has of its own, or to the one among options; of several the last counts.
//
//	receipt, err := hub.Send(ctx, catalogue.Payment{PaymentID: "p_81", Status: "completed", Amount: 9.99}, notify.ToUser("u1"))
//
// A *ValidationError whose Field is "target" says that the kind has no target of its own, or that the field it is
// taken from is empty.
func (h *Hub) Send(ctx context.Context, what Typed, options ...Option) (Receipt, error) {
	return h.Publish(ctx, what, Target{}, options...)
}

// SendToUser is Publish to all connections of a user. It returns how many there are now; nobody online is 0 and no
// error.
func (h *Hub) SendToUser(ctx context.Context, userID string, what Typed, options ...Option) (int, error) {
	r, err := h.Publish(ctx, what, ToUser(userID), options...)
	return r.Delivered, err
}

// SendToChannel is Publish to the members of a channel. It returns how many there are now.
func (h *Hub) SendToChannel(ctx context.Context, channel string, what Typed, options ...Option) (int, error) {
	r, err := h.Publish(ctx, what, ToChannel(channel), options...)
	return r.Delivered, err
}

// SendToClient is Publish to one connection. It reports whether that is connected now.
func (h *Hub) SendToClient(ctx context.Context, clientID string, what Typed, options ...Option) (bool, error) {
	r, err := h.Publish(ctx, what, ToClient(clientID), options...)
	return r.Delivered > 0, err
}

// Broadcast is Publish to every connection. It returns how many there are now.
func (h *Hub) Broadcast(ctx context.Context, what Typed, options ...Option) (int, error) {
	r, err := h.Publish(ctx, what, ToAll(), options...)
	return r.Delivered, err
}
