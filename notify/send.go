package notify

import (
	"context"
	"time"

	"github.com/roomcast/roomcast/notify/strictjson"
)

// Typed is the input of Publish and Send: a Notification, or a kind of package catalogue such as
// catalogue.Payment.
type Typed interface {
	// Build returns the notification and its own target, or the zero Target if the publisher has to
	// name one. The error is a *ValidationError.
	Build() (Notification, Target, error)
}

// Build returns n itself: a Notification has no target of its own.
func (n Notification) Build() (Notification, Target, error) { return n, Target{}, nil }

// Text returns a text for people as a notification: type "notification", data {"message": …}.
func Text(message string) Notification {
	data := strictjson.AppendString([]byte(`{"message":`), message)
	return Notification{Type: "notification", Data: append(data, '}')}
}

// Option changes one publish. Options are Except, TTL, Volatile, Retain and, for Send, a Target.
type Option interface{ apply(*Publication) }

type optionFunc func(*Publication)

func (f optionFunc) apply(p *Publication) { f(p) }

// changed applies options in their order.
func changed(n Notification, own Target, options []Option) (Notification, Target) {
	p := Publication{n, own}
	for _, o := range options {
		o.apply(&p)
	}
	return p.Notification, p.Target
}

// apply sets the target of the publication.
func (t Target) apply(p *Publication) { p.Target = t }

// Except excludes connections, such as the one that caused the notification.
func Except(clientIDs ...string) Option {
	return optionFunc(func(p *Publication) { p.Notification.Except = clientIDs })
}

// TTL limits the replay; see Notification.TTL.
func TTL(d time.Duration) Option {
	return optionFunc(func(p *Publication) { p.Notification.TTL = d })
}

// Volatile sends to the members that do not lag, without storing the notification; see
// Notification.Volatile.
func Volatile() Option {
	return optionFunc(func(p *Publication) { p.Notification.Volatile = true })
}

// Retain keeps the notification for connections that join later; see Notification.Retain.
func Retain() Option {
	return optionFunc(func(p *Publication) { p.Notification.Retain = true })
}

// Send is Publish to the target in options, the last one if there are several, or else to the
// kind's own target.
//
//	payment := catalogue.Payment{PaymentID: "p_81", Status: "completed", Amount: 9.99}
//	receipt, err := hub.Send(ctx, payment, notify.ToUser("u1"))
//
// A *ValidationError with the Field "target" means that the kind has no target of its own, or that
// the field with its user id is empty.
func (h *Hub) Send(ctx context.Context, what Typed, options ...Option) (Receipt, error) {
	return h.Publish(ctx, what, Target{}, options...)
}

// SendToUser is Publish to all connections of a user. It returns the number of these connections.
// Nobody online is 0 and no error.
func (h *Hub) SendToUser(
	ctx context.Context, userID string, what Typed, options ...Option,
) (int, error) {
	r, err := h.Publish(ctx, what, ToUser(userID), options...)
	return r.Delivered, err
}

// SendToChannel is Publish to the members of a channel. It returns the number of members.
func (h *Hub) SendToChannel(
	ctx context.Context, channel string, what Typed, options ...Option,
) (int, error) {
	r, err := h.Publish(ctx, what, ToChannel(channel), options...)
	return r.Delivered, err
}

// SendToClient is Publish to one connection. It reports whether the client is connected.
func (h *Hub) SendToClient(
	ctx context.Context, clientID string, what Typed, options ...Option,
) (bool, error) {
	r, err := h.Publish(ctx, what, ToClient(clientID), options...)
	return r.Delivered > 0, err
}

// Broadcast is Publish to every connection. It returns the number of connections.
func (h *Hub) Broadcast(ctx context.Context, what Typed, options ...Option) (int, error) {
	r, err := h.Publish(ctx, what, ToAll(), options...)
	return r.Delivered, err
}
