package peers

import (
	"container/list"
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
	name  string
	uses  int           // calls of Enter without Leave
	idle  time.Time     // since when uses is 0
	place *list.Element // in Peers.idle; nil: it is used
	wrote time.Time     // when this server last wrote an entry; zero: never
	again bool          // the next tick writes a heartbeat
}

// Admits reports whether a client may enter a namespace: somebody uses it already, or it is not one too
// many. Enter does not ask, because the application and its calls choose few.
func (p *Peers) Admits(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.namespaces[name]
	return n != nil && n.uses > 0 || len(p.namespaces)-p.idle.Len() < maxNamespaces
}

// Enter says that this server has a namespace. Each call needs one of Leave.
func (p *Peers) Enter(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.namespaces[name]
	if n == nil {
		if oldest := p.idle.Front(); oldest != nil && len(p.namespaces) >= maxNamespaces {
			p.remove(oldest.Value.(*namespace))
		}
		n = &namespace{name: name}
		p.namespaces[name] = n
		if p.isServing {
			p.subscribe(name)
		}
		if len(p.olds) > 0 {
			p.say(name, n, nodewire.TypeHello)
		}
	}
	n.uses++
	p.busy(n)
}

// busy notes that a namespace is used. The caller holds the lock.
func (p *Peers) busy(n *namespace) {
	if n.place != nil {
		p.idle.Remove(n.place)
		n.place = nil
	}
}

// subscribe makes other servers count this one. The caller holds the lock.
func (p *Peers) subscribe(name string) {
	p.channels.Subscribe(p.channel(name, ""), p.channel(name, p.o.UID))
	if !p.represents.IsZero() {
		p.channels.Subscribe(p.representedChannels(name)...)
	}
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
		n.idle, n.place = time.Now(), p.idle.PushBack(n)
	}
}

// channel returns the channel of a namespace for one server, or for all.
func (p *Peers) channel(name, uid string) string {
	return nodewire.Channel{Prefix: p.o.Prefix, Namespace: name, To: uid}.String()
}

// sweepNamespaces removes those that nobody has used for a while. The caller holds the lock.
func (p *Peers) sweepNamespaces(now time.Time) {
	for oldest := p.idle.Front(); oldest != nil; oldest = p.idle.Front() {
		n := oldest.Value.(*namespace)
		if now.Sub(n.idle) < linger {
			return
		}
		p.remove(n)
	}
}

// leaveAll removes all namespaces.
func (p *Peers) leaveAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.namespaces {
		p.remove(n)
	}
}

// remove removes a namespace. The caller holds the lock.
func (p *Peers) remove(n *namespace) {
	name := n.name
	delete(p.namespaces, name)
	p.busy(n)
	p.channels.Unsubscribe(p.channel(name, ""), p.channel(name, p.o.UID))
	if !p.represents.IsZero() {
		p.channels.Unsubscribe(p.representedChannels(name)...)
	}
	if p.hears(name) || !n.wrote.IsZero() && len(p.olds) > 0 {
		p.say(name, n, nodewire.TypeClose)
	}
}
