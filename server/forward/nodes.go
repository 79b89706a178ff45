package forward

import (
	"context"
	"net/url"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// listAge is the age of a list that is read again, listPause the time between two readings.
	listAge     = 5 * time.Second
	listPause   = 250 * time.Millisecond
	listTimeout = 2 * time.Second // of a reading, and for how long readings that fail are repeated
	// nodeLife is how long a node is known that is not in the list any more: Redis may have lost it,
	// and the node comes back soon.
	nodeLife = 15 * time.Second
)

// nodes is the list of nodes in memory. The tag of a node that has just started is not in it, so an
// unknown one waits for the next reading.
type nodes struct {
	read func(context.Context) ([]Node, error)
	log  *zap.Logger
	ctx  context.Context // ends all readings

	running sync.WaitGroup
	reading sync.Mutex // held by the reading in progress

	mu    sync.Mutex
	known map[string]node // by tag
	last  time.Time       // when the last reading began
	next  *reading        // one that has not begun; nil: none

	closed bool
}

type node struct {
	Node
	url  *url.URL
	seen time.Time
}

type reading struct {
	done chan struct{}
	err  error // once done is closed
}

func (n *nodes) start(
	ctx context.Context, read func(context.Context) ([]Node, error), log *zap.Logger,
) {
	n.ctx, n.read, n.log, n.known = ctx, read, log, make(map[string]node)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.schedule() // so that the nodes are known when Redis goes away
}

// close returns when no reading runs. The context has ended.
func (n *nodes) close() {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.running.Wait()
}

// find returns the node with a tag. While the list cannot be read, it waits for a while, because a
// client that is told that its session is unknown begins a new one.
func (n *nodes) find(ctx context.Context, tag string) (found node, ok bool) {
	for start := time.Now(); ; {
		found, ok, r := n.lookup(tag)
		if ok || r == nil {
			return found, ok
		}
		select {
		case <-r.done:
		case <-ctx.Done():
			return n.now(tag)
		}
		if r.err == nil || time.Since(start) >= listTimeout {
			return n.now(tag)
		}
	}
}

// lookup is now with the next reading of the list, if there is need and time for one.
func (n *nodes) lookup(tag string) (found node, ok bool, r *reading) {
	n.mu.Lock()
	defer n.mu.Unlock()
	found, ok = n.known[tag]
	if !ok || time.Since(n.last) > listAge {
		r = n.schedule()
	}
	return found, ok, r
}

// now returns the node with a tag, as far as the list has been read.
func (n *nodes) now(tag string) (found node, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	found, ok = n.known[tag]
	return found, ok
}

// schedule returns the next reading, which begins after the call. It returns nil after the end. The
// caller holds mu.
func (n *nodes) schedule() *reading {
	if n.closed {
		return nil
	}
	if n.next == nil {
		r, pause := &reading{done: make(chan struct{})}, time.Until(n.last.Add(listPause))
		n.next = r
		n.running.Go(func() {
			defer close(r.done)
			select {
			case <-time.After(pause):
				r.err = n.update()
			case <-n.ctx.Done():
			}
		})
	}
	return n.next
}

// update reads the list. While that fails, the former one counts.
func (n *nodes) update() error {
	n.reading.Lock()
	defer n.reading.Unlock()
	n.mu.Lock()
	n.next, n.last = nil, time.Now()
	n.mu.Unlock()
	ctx, cancel := context.WithTimeout(n.ctx, listTimeout)
	defer cancel()
	list, err := n.read(ctx)
	if err != nil {
		n.log.Debug("the list of nodes cannot be read", zap.Error(err))
		return err
	}
	now, known := time.Now(), make(map[string]node, len(list))
	for _, one := range list {
		if one.Address == "" || len(one.Tag) != TagSize || len(one.Secret) < minSecret {
			continue
		}
		u, err := ParseAddress(one.Address)
		if err != nil {
			n.log.Debug("the address of a node is wrong", zap.Error(err))
			continue
		}
		known[one.Tag] = node{one, u, now}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for tag, former := range n.known {
		if _, ok := known[tag]; !ok && now.Sub(former.seen) < nodeLife {
			known[tag] = former
		}
	}
	n.known = known
	return nil
}
