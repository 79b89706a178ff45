package auth

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// RenewGrace is for how long after the end of its identity a connection stays open while the
	// hook gives no usable answer.
	RenewGrace = time.Minute
	// RenewRetry is the time between two questions about it meanwhile.
	RenewRetry = 5 * time.Second

	maxRenewers = 16 // questions at the same time about connections that are open
)

// CanRenew reports whether the hook can be asked again about a connection with this identity, see
// [Authenticator.Renew].
func (id Identity) CanRenew() bool { return id.question != nil }

// Renew asks the hook again, with the same credentials, about a connection whose identity has ended,
// and calls done from another goroutine, unless ctx ends first. The error is nil, or
// [ErrHookUnavailable] if the caller should ask again after [RenewRetry] within [RenewGrace], or a
// refusal. id must have CanRenew. The questions wait in a queue, which has one for each connection
// at most; few run at the same time, so that they leave the hook to clients that connect.
func (a *Authenticator) Renew(ctx context.Context, id Identity, done func(Identity, error)) {
	a.renewals.add(renewal{ctx, func() (Identity, error) {
		return a.current.Load().renew(ctx, id, id.question)
	}, done})
}

// renew asks a question about the connection of an identity. The answer must have the same user.
func (a *rules) renew(ctx context.Context, current Identity, q *Question) (Identity, error) {
	if a.hook == nil {
		return Identity{}, ErrExpired
	}
	id, err := a.ask(ctx, q)
	switch {
	case err == nil && id.RoomUser() != current.RoomUser():
		return Identity{}, ErrForbidden.because("the hook names another user")
	case err != nil && !errors.As(err, new(*Error)): // ctx has ended
		return Identity{}, ErrHookUnavailable
	}
	return id, err
}

// refreshByHook asks the hook about a connection with a new token.
func (a *rules) refreshByHook(
	ctx context.Context, current Identity, token string,
) (Identity, error) {
	if current.question == nil {
		return Identity{}, ErrForbidden.because("this connection has no end that a token could move")
	}
	q, err := current.question.with(token)
	if err != nil {
		return Identity{}, err
	}
	return a.renew(ctx, current, q)
}

// renewals is the queue of questions about open connections. Its goroutines end when it is empty.
type renewals struct {
	mu      sync.Mutex
	waiting []renewal
	running int
}

type renewal struct {
	ctx  context.Context
	ask  func() (Identity, error)
	done func(Identity, error)
}

func (r *renewals) add(next renewal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(r.waiting, next)
	if r.running < maxRenewers {
		r.running++
		go r.run()
	}
}

func (r *renewals) run() {
	for next, ok := r.next(); ok; next, ok = r.next() {
		if next.ctx.Err() != nil {
			continue
		}
		if id, err := next.ask(); next.ctx.Err() == nil {
			next.done(id, err)
		}
	}
}

func (r *renewals) next() (next renewal, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) == 0 {
		r.waiting = nil
		r.running--
		return next, false
	}
	next = r.waiting[0]
	r.waiting[0] = renewal{}
	r.waiting = r.waiting[1:]
	return next, true
}
