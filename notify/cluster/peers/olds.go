package peers

import (
	"time"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

const (
	// heartbeat is how long this server is silent at most for servers with adapter 0.2.
	heartbeat = 5 * time.Second
	// dead is the silence after which they take each other for dead.
	dead = 10 * time.Second
	// forgotten is the silence of a server with adapter 0.2 after which this one sends it no
	// heartbeats.
	forgotten = 15 * time.Second
	// maxOlds bounds the servers with adapter 0.2 in all namespaces. What is above it is the work of
	// another program.
	maxOlds = 4096
	tick    = time.Second
)

// old is a server with adapter 0.2 in one namespace: it has a uid for each.
type old struct{ namespace, uid string }

// heard notes a server with adapter 0.2 by an entry that only such a server writes. The caller holds
// the lock. Roomcast nodes write some because of such servers, so they do not count: two of them
// would keep each other at it. One of 65,536 Node servers has such a uid, too, and gets no
// heartbeats.
func (p *Peers) heard(e *nodewire.Entry) {
	if e.UID == "" || e.UID == nodewire.EmitterUID || nodewire.OwnUID(e.UID) {
		return
	}
	o, n := old{e.Namespace, e.UID}, p.namespaces[e.Namespace]
	switch {
	case e.Type == nodewire.TypeClose:
		delete(p.olds, o)
		p.gone(o)
		return
	case len(p.olds) >= maxOlds && p.olds[o].IsZero():
		return
	}
	p.olds[o] = time.Now()
	if n != nil && (e.Type == nodewire.TypeHello || n.wrote.IsZero()) {
		p.say(e.Namespace, n, nodewire.TypeHeartbeat)
		n.again = true // a server that starts misses what comes before its first read of the stream
	}
}

// hears reports whether a server with adapter 0.2 is heard in a namespace. The caller holds the
// lock.
func (p *Peers) hears(namespace string) bool {
	for o := range p.olds {
		if o.namespace == namespace {
			return true
		}
	}
	return false
}

// alive returns the servers with adapter 0.2 in a namespace. The caller holds the lock.
func (p *Peers) alive(namespace string) map[string]bool {
	now, uids := time.Now(), map[string]bool{}
	for o, at := range p.olds {
		if o.namespace == namespace && now.Sub(at) < dead {
			uids[o.uid] = true
		}
	}
	return uids
}

// hasOlds reports whether servers with adapter 0.2 are in a namespace, which read the stream only.
func (p *Peers) hasOlds(namespace string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.alive(namespace)) > 0
}

// greet makes servers with adapter 0.2 say that they are there. Every server has the namespace "/".
func (p *Peers) greet() {
	select {
	case <-p.stream.Ready():
	case <-p.life.Done():
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.namespaces["/"]; n != nil {
		p.say("/", n, nodewire.TypeHello)
	}
}

// say writes an entry without data. The caller holds the lock.
func (p *Peers) say(namespace string, n *namespace, t nodewire.Type) {
	n.wrote = time.Now()
	p.outbox.put(item{
		entry: &nodewire.Entry{Type: t, UID: p.o.UID, Namespace: namespace}, size: itemSize,
	})
}

// tend sends heartbeats, and forgets servers and namespaces, until the end.
func (p *Peers) tend() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-p.life.Done():
			return
		case now := <-ticker.C:
			p.tendOnce(now)
		}
	}
}

func (p *Peers) tendOnce(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	heard := map[string]bool{}
	for o, at := range p.olds {
		silence := now.Sub(at)
		if silence >= dead {
			p.gone(o)
		}
		if silence >= forgotten {
			delete(p.olds, o)
			continue
		}
		heard[o.namespace] = true
	}
	for name := range heard {
		if n := p.namespaces[name]; n != nil && (n.again || now.Sub(n.wrote) >= heartbeat) {
			n.again = false
			p.say(name, n, nodewire.TypeHeartbeat)
		}
	}
	p.sweepNamespaces(now)
}
