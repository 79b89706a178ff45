package peers

import (
	"time"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// linger is how long a namespace that nobody uses keeps its channels: a server that has counted this
// one still gets its answer, and clients that come and go cost no subscriptions.
const linger = 30 * time.Second

// maxNamespaces is how many namespaces a server has, each with two subscriptions, because clients can
// choose the names. Those that nobody uses give way to others.
const maxNamespaces = 16384

// namespace is a namespace that this server has: other servers wait for its answers there.
type namespace struct {
	uses  int       // calls of Enter without Leave
	idle  time.Time // since when uses is 0
	wrote time.Time // when this server last wrote an entry; zero: never
	again bool      // the next tick writes a heartbeat
}

// Admits reports whether a client may enter a namespace: somebody uses it already, or it is not one too
// many. Enter does not ask, because the application and its calls choose few.
func (p *Peers) Admits(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.namespaces[name]
	return n != nil && n.uses > 0 || len(p.namespaces)-p.idle < maxNamespaces
}

// Enter says that this server has a namespace. Each call needs one of Leave.
func (p *Peers) Enter(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.namespaces[name]
	if n == nil {
		if p.idle > 0 && len(p.namespaces) >= maxNamespaces {
			p.removeIdle(0)
		}
		n = &namespace{}
		p.namespaces[name] = n
		if p.isServing {
			p.subscribe(name)
		}
		if len(p.olds) > 0 {
			p.say(name, n, nodewire.TypeHello)
		}
	}
	if n.uses++; n.uses == 1 && !n.idle.IsZero() {
		p.idle--
	}
}

// subscribe makes other servers count this one. The caller holds the lock.
func (p *Peers) subscribe(name string) {
	p.channels.Subscribe(p.channel(name, ""), p.channel(name, p.o.UID))
}

// Leave ends an Enter.
func (p *Peers) Leave(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.namespaces[name]
	if n == nil {
		return
	}
	if n.uses--; n.uses == 0 {
		n.idle = time.Now()
		p.idle++
	}
}

// channel returns the channel of a namespace for one server, or for all.
func (p *Peers) channel(name, uid string) string {
	return nodewire.Channel{Prefix: p.o.Prefix, Namespace: name, To: uid}.String()
}

// removeIdle removes the namespaces that nobody has used for a time. The caller holds the lock.
func (p *Peers) removeIdle(atLeast time.Duration) {
	now := time.Now()
	for name, n := range p.namespaces {
		if n.uses == 0 && now.Sub(n.idle) >= atLeast {
			p.remove(name, n)
		}
	}
}

// leaveAll removes all namespaces.
func (p *Peers) leaveAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, n := range p.namespaces {
		p.remove(name, n)
	}
}

// remove removes a namespace. The caller holds the lock.
func (p *Peers) remove(name string, n *namespace) {
	delete(p.namespaces, name)
	if n.uses == 0 {
		p.idle--
	}
	p.channels.Unsubscribe(p.channel(name, ""), p.channel(name, p.o.UID))
	if p.hears(name) || !n.wrote.IsZero() && len(p.olds) > 0 {
		p.say(name, n, nodewire.TypeClose)
	}
}
