// Package chaos is a TCP proxy that gives tests the faults of a network: connections that break,
// stall, or are slow.
package chaos

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// Proxy passes connections on to a server. A connection of a client and the one to the server that
// belongs to it are a link. Any goroutine may call the methods.
type Proxy struct {
	Addr string // host:port, for the clients

	listener net.Listener
	running  sync.WaitGroup // every goroutine of the proxy
	ended    chan struct{}  // closed at the end

	mu      sync.Mutex
	targets []string
	turn    int // of the targets
	weather weather
	links   map[*link]bool
	random  *rand.Rand
	refuse  bool
	flap    [2]time.Duration // bounds of the life of a link; 0: it has no end

	accepted, cuts int // links so far
}

// weather is what all links have in common. Its values never change; a change replaces it.
type weather struct {
	stalled bool
	delay   time.Duration
	rate    int           // bytes per second of each direction of a link; 0: no limit
	changed chan struct{} // closed when another weather replaces this one
}

// New starts a proxy in front of the server at target (host:port). It ends, with all its links,
// when the test ends. The seed decides which links the proxy cuts, and when.
func New(t testing.TB, target string, seed uint64) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: listener.Addr().String(), targets: []string{target}, listener: listener,
		ended: make(chan struct{}), links: map[*link]bool{}, random: rand.New(rand.NewPCG(seed, 0)),
		weather: weather{changed: make(chan struct{})}}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		close(p.ended)
		_ = listener.Close()
		p.Refuse(true)
		p.Cut(1)
		p.running.Wait()
	})
	return p
}

func (p *Proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			select {
			case <-p.ended:
				return
			case <-time.After(time.Millisecond): // too many open files, for example
				continue
			}
		}
		p.running.Go(func() { p.serve(near.(*net.TCPConn)) })
	}
}

// serve joins a client with the server until one of them, or the proxy, ends the link.
func (p *Proxy) serve(near *net.TCPConn) {
	far := p.dial()
	if far == nil {
		reset(near)
		return
	}
	l := &link{proxy: p, near: near, far: far, cut: make(chan struct{})}
	if !p.add(l) {
		l.end(true)
		return
	}
	l.run()
	p.remove(l)
}

// dial connects to the next target that accepts. It returns nil when none does.
func (p *Proxy) dial() *net.TCPConn {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	p.mu.Lock()
	p.turn++
	first, targets := p.turn, p.targets
	p.mu.Unlock()
	for i := range targets {
		if far, err := dialer.Dial("tcp", targets[(first+i)%len(targets)]); err == nil {
			return far.(*net.TCPConn)
		}
	}
	return nil
}

// add reports false for a link that the proxy refuses.
func (p *Proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse {
		return false
	}
	p.accepted++
	l.number = p.accepted
	p.links[l] = true
	p.arm(l)
	return true
}

func (p *Proxy) remove(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
	if l.life != nil {
		l.life.Stop()
	}
}

// arm gives a link its life. The caller holds mu.
func (p *Proxy) arm(l *link) {
	if l.life != nil {
		l.life.Stop()
		l.life = nil
	}
	if least, most := p.flap[0], p.flap[1]; most > 0 {
		life := least + time.Duration(p.random.Int64N(int64(most-least)+1))
		l.life = time.AfterFunc(life, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.links[l] {
				p.cutLink(l)
			}
		})
	}
}

// Cut breaks a share of the links, from 0 to 1, which the seed chooses, and returns their number.
// Half of them end by FIN and half by RST. Bytes on their way are lost.
func (p *Proxy) Cut(share float64) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	cut := 0
	byNumber := func(a, b *link) int { return cmp.Compare(a.number, b.number) }
	for _, l := range slices.SortedFunc(maps.Keys(p.links), byNumber) {
		if p.random.Float64() < share {
			cut++
			p.cutLink(l)
		}
	}
	return cut
}

// cutLink breaks a link. The caller holds mu.
func (p *Proxy) cutLink(l *link) {
	p.cuts++
	l.end(p.random.IntN(2) == 0)
}

// Refuse resets all new connections, until it is called with false.
func (p *Proxy) Refuse(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

// Target makes new connections go to other servers (host:port), in turn. One that refuses a
// connection is passed over.
func (p *Proxy) Target(targets ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets = slices.Clone(targets)
}

// Stall stops all bytes in both directions, and the ends of connections too, as a network does that
// drops every packet. New connections are accepted, and stall. Stall(false) lets the bytes pass
// that waited.
func (p *Proxy) Stall(stalled bool) { p.change(func(w *weather) { w.stalled = stalled }) }

// Delay delays all bytes by d in each direction.
func (p *Proxy) Delay(d time.Duration) { p.change(func(w *weather) { w.delay = d }) }

// Limit limits each direction of each link to a number of bytes per second. 0 is no limit.
func (p *Proxy) Limit(bytesPerSecond int) { p.change(func(w *weather) { w.rate = bytesPerSecond }) }

func (p *Proxy) change(f func(*weather)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	former := p.weather.changed
	f(&p.weather)
	p.weather.changed = make(chan struct{})
	close(former)
}

func (p *Proxy) now() weather {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.weather
}

// Flap cuts every link, also each new one, after a random time between least and most. With 0, 0
// links live until their ends close them.
func (p *Proxy) Flap(least, most time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flap = [2]time.Duration{least, most}
	for l := range p.links {
		p.arm(l)
	}
}

// Links returns the number of links.
func (p *Proxy) Links() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Cuts returns how many links the proxy has cut.
func (p *Proxy) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}
