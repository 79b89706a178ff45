package sockets

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// Endless knows the requests of a reverse proxy whose responses do not end by themselves, streams and
// upgraded connections, which would delay a shutdown. Any goroutine may call its methods.
type Endless struct {
	ended context.Context // done after Close
	end   context.CancelFunc

	mu       sync.Mutex
	draining bool
	requests map[*Request]bool
}

// Request is a request that Endless knows.
type Request struct {
	of     *Endless
	cancel context.CancelFunc
}

// NewEndless returns an Endless. The caller must call Close.
func NewEndless() *Endless {
	e := &Endless{requests: make(map[*Request]bool)}
	e.ended, e.end = context.WithCancel(context.Background())
	return e
}

// Begin returns a request, and the context for it. The caller calls done at its end.
func (e *Endless) Begin(parent context.Context) (ctx context.Context, r *Request, done func()) {
	ctx, cancel := context.WithCancel(parent)
	r = &Request{e, cancel}
	stop := context.AfterFunc(e.ended, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.requests[r] {
			cancel()
		}
	})
	return ctx, r, func() {
		stop()
		cancel()
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.requests, r)
	}
}

// Note notes that the response is endless. After Drain or Close it ends at once.
func (r *Request) Note() {
	e := r.of
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests[r] = true
	if e.draining || e.ended.Err() != nil {
		r.cancel()
	}
}

// Drain ends what is endless, evenly over the time that pace returns for its number. Other requests
// go on.
func (e *Endless) Drain(ctx context.Context, pace func(connections int) time.Duration) {
	e.mu.Lock()
	e.draining = true
	all := slices.Collect(maps.Keys(e.requests)) // in random order
	e.mu.Unlock()
	Spread(ctx, len(all), pace(len(all)), nil, func(i int) { all[i].cancel() })
}

// Close ends what is endless, at once.
func (e *Endless) Close() { e.end() }
