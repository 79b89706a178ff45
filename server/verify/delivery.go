package verify

import (
	"context"
	"slices"
	"time"
)

const (
	batch      = 10                      // notifications in each part of the delivery check
	promptly   = 1500 * time.Millisecond // the delay from which on an event is late
	promptOnes = 3
)

// prompt checks that an event arrives when it is published, not with the next one.
func (r *run) prompt(ctx context.Context) {
	r.begin("delay")
	clients := r.connected(ctx, r.working())
	defer leaveAll(ctx, clients)
	if !r.canPublish(ctx, clients) {
		return
	}
	late := map[*listener][]time.Duration{}
	for n := 1; n <= promptOnes; n++ {
		if err := r.publish(ctx, r.number()); err != nil {
			r.skip("a notification could not be published: %v", err)
			r.publish = nil
			return
		}
		published := time.Now()
		for _, l := range clients {
			l.until(ctx, r.patience(), func() bool { _, ok := l.has(r.numbers); return ok })
		}
		for _, l := range clients {
			delay := time.Since(published)
			l.mu.Lock()
			if at, ok := l.has(r.numbers); ok {
				delay = max(at.Sub(published), 0)
			}
			l.mu.Unlock()
			late[l] = append(late[l], delay)
		}
	}
	if ctx.Err() == nil {
		r.judgeDelays(clients, late)
	}
}

// judgeDelays reports the clients to which every event came late, while one came at once to others.
func (r *run) judgeDelays(clients []*listener, late map[*listener][]time.Duration) {
	limit := max(promptly, r.patience()/4)
	fastest := time.Duration(1<<63 - 1)
	for _, delays := range late {
		fastest = min(fastest, slices.Max(delays))
	}
	for _, l := range clients {
		least := slices.Min(late[l]).Round(time.Millisecond)
		switch {
		case least <= limit:
		case l.now().ended:
			r.note("the %s connection ended meanwhile: %v", l.transport, l.now().err)
		case len(clients) > 1 && fastest > limit:
			r.note("events are slow on all transports: %s on %s", least, l.transport)
		default:
			r.fault("buffering", "each event reaches %s at least %s after it was published, while requests "+
				"are answered within %s", l.transport, least, r.slowest.Round(time.Millisecond))
		}
	}
	if !r.faults["buffering"] && fastest <= limit {
		r.ok("events arrive within %s", fastest.Round(time.Millisecond))
	}
}

// number returns the next number to publish.
func (r *run) number() int {
	r.numbers++
	return r.numbers
}

// canPublish finds a way to publish without a key, and says so when there is none.
func (r *run) canPublish(ctx context.Context, clients []*listener) bool {
	if len(clients) == 0 {
		r.skip("no transport works")
		return false
	}
	if r.publish != nil && !r.sends {
		return true
	}
	r.publish, r.sends = nil, true
	for _, l := range clients {
		if l.transport == eventSource && !slices.Contains(l.now().welcome.Denied, r.channel) {
			r.publish = r.publishBy(l)
		}
	}
	if r.publish == nil {
		r.skip("nothing can be published: give an API key by --key-file or ROOMCAST_API_KEY")
		return false
	}
	if err := r.publish(ctx, r.number()); err != nil {
		r.publish = nil
		r.skip("the message of a client was not accepted (%v); with an API key, by --key-file or "+
			"ROOMCAST_API_KEY, a backend publishes", err)
		return false
	}
	return true
}

// connected returns clients that are connected.
func (r *run) connected(ctx context.Context, transports []string) (clients []*listener) {
	for _, transport := range transports {
		l := r.listener(transport)
		l.open(ctx)
		clients = append(clients, l)
	}
	return slices.DeleteFunc(clients, func(l *listener) bool {
		arrived := l.arrive(ctx)
		if !arrived {
			l.leave(ctx)
		}
		return !arrived
	})
}

// leaveAll ends the clients.
func leaveAll(ctx context.Context, clients []*listener) {
	for _, l := range clients {
		l.leave(ctx)
	}
}

// delivery publishes, cuts all clients, publishes, lets them come back, publishes, and counts.
func (r *run) delivery(ctx context.Context) {
	r.begin("delivery")
	clients := r.connected(ctx, r.working())
	defer leaveAll(ctx, clients)
	if !r.canPublish(ctx, clients) {
		return
	}
	publish := r.publish
	if r.sends { // the client that publishes is not cut
		sender := r.connected(ctx, []string{eventSource})
		defer leaveAll(ctx, sender)
		if len(sender) == 0 {
			r.skip("the client that publishes could not connect")
			return
		}
		publish = r.publishBy(sender[0])
	}
	var sent []int
	part := func() error {
		for range batch {
			n := r.number()
			if err := publish(ctx, n); err != nil {
				return err
			}
			sent = append(sent, n)
		}
		return nil
	}
	err := part()
	r.all(ctx, clients, sent)
	for _, l := range clients {
		l.close()
	}
	if err == nil {
		err = part()
	}
	sleep(ctx, r.o.Away)
	for _, l := range clients {
		l.open(ctx)
	}
	for _, l := range clients {
		l.arrive(ctx)
	}
	if err == nil {
		err = part()
	}
	r.all(ctx, clients, sent)
	if err != nil {
		r.note("not everything could be published: %v", err)
	}
	if len(sent) > 0 && ctx.Err() == nil {
		r.count(clients, sent)
	}
}

// all waits until the clients have all numbers. A connection is in order, so what is missing after
// the last number does not come, unless something between has changed the order.
func (r *run) all(ctx context.Context, clients []*listener, sent []int) {
	if len(sent) == 0 {
		return
	}
	for _, l := range clients {
		complete := func() bool { return len(missing(l.got, sent)) == 0 }
		l.until(ctx, 2*r.patience(), func() bool {
			_, last := l.has(sent[len(sent)-1])
			return last || complete()
		})
		l.until(ctx, promptly, complete)
	}
}

func missing(got []receipt, sent []int) (all []int) {
	for _, n := range sent {
		if !slices.ContainsFunc(got, func(g receipt) bool { return g.n == n }) {
			all = append(all, n)
		}
	}
	return all
}
