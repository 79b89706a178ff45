package hooks

import (
	"container/list"
	"context"
	"errors"
	"slices"
	"sync"
)

// places are the requests that may run at the same time. Each party, a user or an address, has at
// most a quarter of them, so that one with slow requests leaves the rest to others. Parties that
// wait get places in turn. It is safe for concurrent use.
type places struct {
	share int    // of one party
	queue amount // that may wait; the zero amount is no limit

	mu      sync.Mutex
	free    int
	waiting amount
	parties map[string]*party // those that hold a place or wait for one
	turns   list.List         // of *party that wait; the next one first
}

// amount is a number of requests and their bytes.
type amount struct{ requests, bytes int }

type party struct {
	name    string
	held    int
	queued  amount
	waiters []*waiter // in their order
	turn    *list.Element
}

type waiter struct {
	places, bytes int
	ready         chan struct{} // closed when it has its places
}

// partyShare is the part of all places, and of the queue, that one party may have.
const partyShare = 4

// perPlace is how many bytes of a request take a place: a large request takes several, so that those
// that run at the same time have a bound in bytes too.
const perPlace = 64 << 10

var errQueueFull = errors.New("too many requests wait")

func newPlaces(size int, queue amount) *places {
	return &places{
		share: max(1, size/partyShare), queue: queue, free: size, parties: map[string]*party{},
	}
}

// take waits for the places of a request with so many bytes. The error is errQueueFull, or that of
// ctx. Call release at the end of the request.
func (p *places) take(ctx context.Context, name string, bytes int) (release func(), err error) {
	w := &waiter{min(1+bytes/perPlace, p.share), bytes, make(chan struct{})}
	owner, err := p.enter(name, w)
	if err != nil {
		return nil, err
	}
	select {
	case <-w.ready:
	default:
		select {
		case <-w.ready:
		case <-ctx.Done():
			if p.abandon(owner, w) {
				return nil, ctx.Err()
			}
		}
	}
	return func() { p.release(owner, w) }, nil
}

// enter adds a request to the queue. It may get its places at once.
func (p *places) enter(name string, w *waiter) (*party, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	owner := p.parties[name]
	if owner == nil {
		owner = &party{name: name}
		p.parties[name] = owner
	}
	owner.waiters = append(owner.waiters, w)
	p.count(owner, w, 1)
	if owner.turn == nil {
		owner.turn = p.turns.PushBack(owner)
	}
	p.grant()
	if len(owner.waiters) > 0 && p.exceeds(owner) {
		p.remove(owner, len(owner.waiters)-1)
		return nil, errQueueFull
	}
	return owner, nil
}

// exceeds reports whether the queue, or what one party has in it, is above its limit.
func (p *places) exceeds(owner *party) bool {
	above := func(n amount, part int) bool {
		return n.requests > max(1, p.queue.requests/part) || n.bytes > max(1, p.queue.bytes/part)
	}
	return p.queue != amount{} && (above(p.waiting, 1) || above(owner.queued, partyShare))
}

// isFull reports whether a further request of a party would not be accepted.
func (p *places) isFull(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queue == (amount{}) {
		return false
	}
	if p.waiting.requests >= p.queue.requests || p.waiting.bytes >= p.queue.bytes {
		return true
	}
	owner := p.parties[name]
	return owner != nil && (owner.queued.requests >= max(1, p.queue.requests/partyShare) ||
		owner.queued.bytes >= max(1, p.queue.bytes/partyShare))
}

// grant gives free places to those whose turn it is. A party that has its share waits for its own
// requests. A request that needs more places than are free holds back all others, because smaller
// ones could overtake it for ever. The caller holds the lock.
func (p *places) grant() {
	for e := p.turns.Front(); e != nil; {
		owner := e.Value.(*party)
		w := owner.waiters[0]
		switch {
		case owner.held+w.places > p.share:
			e = e.Next()
			continue
		case p.free < w.places:
			return
		}
		p.free -= w.places
		owner.held += w.places
		close(w.ready)
		p.turns.MoveToBack(e)
		p.remove(owner, 0)
		e = p.turns.Front()
	}
}

// remove takes a request out of the queue. The caller holds the lock.
func (p *places) remove(owner *party, i int) {
	p.count(owner, owner.waiters[i], -1)
	owner.waiters = slices.Delete(owner.waiters, i, i+1)
	if len(owner.waiters) == 0 {
		p.turns.Remove(owner.turn)
		owner.turn, owner.waiters = nil, nil
	}
	p.forget(owner)
}

func (p *places) count(owner *party, w *waiter, n int) {
	for _, a := range []*amount{&p.waiting, &owner.queued} {
		a.requests += n
		a.bytes += n * w.bytes
	}
}

func (p *places) forget(owner *party) {
	if owner.held == 0 && len(owner.waiters) == 0 {
		delete(p.parties, owner.name)
	}
}

// abandon removes a request that waits no longer. It returns false if the request has its places.
func (p *places) abandon(owner *party, w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(owner.waiters, w)
	if i < 0 {
		return false
	}
	p.remove(owner, i)
	p.grant() // it may have held back others
	return true
}

func (p *places) release(owner *party, w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free += w.places
	owner.held -= w.places
	p.grant()
	p.forget(owner)
}
