package notify

import (
	"context"
	"time"

	"github.com/roomcast/roomcast/notify/strictjson"
)

// Typed is what Send takes: a Notification, or a kind of package catalogue such as catalogue.Payment.
type Typed interface {
	// Build returns the notification and its own target; the zero Target when one has to be named. The error is
	// a *ValidationError.
	Build() (Notification, Target, error)
}

// Build returns n itself: a Notification has no target of its own.
func (n Notification) Build() (Notification, Target, error) { return n, Target{}, nil }

// Option changes one Send: a Target, in place of the kind's own, Except, TTL or Volatile.
type Option interface{ apply(*Publication) }

type optionFunc func(*Publication)

func (f optionFunc) apply(p *Publication) { f(p) }

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

// Send publishes a notification or a kind to its own target, or to the one among options; of several the last counts.
//
//	receipt, err := hub.Send(ctx, catalogue.Payment{PaymentID: "p_81", Status: "completed", Amount: 9.99}, notify.ToUser("u1"))
//
// The error is that of Publish. A *ValidationError whose Field is "target" says that the kind has no target of its
// own, or that the field it is taken from is empty.
func (h *Hub) Send(ctx context.Context, t Typed, options ...Option) (Receipt, error) {
	n, own, err := t.Build()
	if err != nil {
		return Receipt{}, err
	}
	p := Publication{n, own}
	for _, o := range options {
		o.apply(&p)
	}
	return h.Publish(ctx, p.Notification, p.Target)
}

// SendToUser sends a kind or a Notification to all connections of a user and returns how many there are now. Nobody
// online is 0 and no error: it is kept for who comes back. Options may be Except, TTL and Volatile.
func (h *Hub) SendToUser(ctx context.Context, userID string, t Typed, options ...Option) (int, error) {
	return h.sendTo(ctx, ToUser(userID), t, options)
}

// SendToChannel is SendToUser for the members of a channel.
func (h *Hub) SendToChannel(ctx context.Context, channel string, t Typed, options ...Option) (int, error) {
	return h.sendTo(ctx, ToChannel(channel), t, options)
}

// SendToClient is SendToUser for one connection; it reports whether that is connected now.
func (h *Hub) SendToClient(ctx context.Context, clientID string, t Typed, options ...Option) (bool, error) {
	n, err := h.sendTo(ctx, ToClient(clientID), t, options)
	return n > 0, err
}

// Broadcast is SendToUser for every connection.
func (h *Hub) Broadcast(ctx context.Context, t Typed, options ...Option) (int, error) {
	return h.sendTo(ctx, ToAll(), t, options)
}

// NotifyUser sends a text to all connections of a user, as type "notification" with data {"message": …}, and returns
// how many there are now.
func (h *Hub) NotifyUser(ctx context.Context, userID, message string) (int, error) {
	return h.SendToUser(ctx, userID, messageOf(message))
}

// NotifyClient is NotifyUser for one connection; it reports whether that is connected now.
func (h *Hub) NotifyClient(ctx context.Context, clientID, message string) (bool, error) {
	return h.SendToClient(ctx, clientID, messageOf(message))
}

// Multi is what a send to several reached: Success of them have a connection now, Failed have none. All of them get
// it when they come back.
type Multi struct {
	Success int `json:"success"`
	Failed  int `json:"failed"`
	Total   int `json:"total"` // distinct ones
}

// SendToUsers sends to up to MaxTargets users in one step: all get it in the same place of the order.
func (h *Hub) SendToUsers(ctx context.Context, userIDs []string, t Typed, options ...Option) (Multi, error) {
	r, total, err := h.sendToMany(ctx, ToUsers(userIDs...), t, options)
	return multi(r.Users, total), err
}

// SendToChannels sends to the members of up to MaxTargets channels in one step, each member once.
func (h *Hub) SendToChannels(ctx context.Context, channels []string, t Typed, options ...Option) (Multi, error) {
	r, total, err := h.sendToMany(ctx, ToChannels(channels...), t, options)
	return multi(r.Channels, total), err
}

func multi(reached, total int) Multi {
	reached = min(reached, total) // Go code may have put others into a user's room
	return Multi{reached, total - reached, total}
}

// sendTo sends to a target, whatever else the options say.
func (h *Hub) sendTo(ctx context.Context, to Target, t Typed, options []Option) (int, error) {
	r, err := h.Send(ctx, t, append(options[:len(options):len(options)], to)...)
	return r.Delivered, err
}

// sendToMany is sendTo for several. It counts the distinct ones, none when nothing was sent.
func (h *Hub) sendToMany(ctx context.Context, to Target, t Typed, options []Option) (r Receipt, total int, err error) {
	r, err = h.Send(ctx, t, append(options[:len(options):len(options)], to)...)
	if err == nil {
		total = len(to.rooms())
	}
	return r, total, err
}

// messageOf is a text for people as a notification.
func messageOf(message string) Notification {
	data := strictjson.AppendString([]byte(`{"message":`), message)
	return Notification{Type: "notification", Data: append(data, '}')}
}
