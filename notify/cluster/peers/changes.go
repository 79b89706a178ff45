package peers

import (
	"sync"
	"time"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

const (
	// changeWait is how long an entry waits for a server that is asked for the change in another way,
	// too. It is longer than a node waits for the answers of others.
	changeWait = 2 * time.Second
	// maxMade is how many changes a server remembers, until it reads their entries.
	maxMade = 1 << 14
	// maxWaiting is how many entries wait. Others are obeyed at once.
	maxWaiting = 1024
)

// changes are the changes that this server is asked for in two ways: by an entry, and in another way,
// which is the faster one and has answers. The entry counts if the other way has failed.
type changes struct {
	mu      sync.Mutex
	made    map[string]struct{} // guarded by mu, as are the fields below
	order   []string            // of made, a ring when it is full
	next    int
	waiting map[string]*time.Timer // entries whose change is not made
	closed  bool
}

func (c *changes) start() {
	c.made, c.waiting = make(map[string]struct{}), make(map[string]*time.Timer)
}

// Made says that this server makes a change, because it was asked for it in another way than by the
// entry with a RequestID. That entry has no effect then.
func (p *Peers) Made(id string) {
	c := &p.changes
	c.mu.Lock()
	defer c.mu.Unlock()
	if timer := c.waiting[id]; timer != nil {
		timer.Stop()
		delete(c.waiting, id)
	}
	if _, known := c.made[id]; known {
		return
	}
	c.made[id] = struct{}{}
	if len(c.order) < maxMade {
		c.order = append(c.order, id)
		return
	}
	delete(c.made, c.order[c.next])
	c.order[c.next], c.next = id, (c.next+1)%maxMade
}

// read obeys an entry, one with a RequestID after a while and unless Made is called. It is for the
// clients of now all the same: those that come later are no part of the change.
func (c *changes) read(local Local, e *nodewire.Entry) {
	if do := local.Change(e); e.RequestID == "" || !c.waits(e.RequestID, do) {
		do()
	}
}

// waits reports whether a change is made, or waits for that, or is too late.
func (c *changes) waits(id string, do func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, made := c.made[id]; made || c.waiting[id] != nil || c.closed {
		return true
	}
	if len(c.waiting) >= maxWaiting {
		return false
	}
	c.waiting[id] = time.AfterFunc(changeWait, func() {
		c.mu.Lock()
		_, waits := c.waiting[id]
		delete(c.waiting, id)
		c.mu.Unlock()
		if waits {
			do()
		}
	})
	return true
}

// close drops what waits, and what comes to wait: the clients of a server that ends are disconnected.
func (c *changes) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, timer := range c.waiting {
		timer.Stop()
	}
	clear(c.waiting)
}
