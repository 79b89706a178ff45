package sim

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// network joins clients with the process that runs, in memory. It cuts, stalls and delays
// connections; what a sender has written may be on its way then, and is lost.
type network struct {
	mu       sync.Mutex
	random   *rand.Rand
	server   *listener // nil: nobody listens
	links    map[*link]bool
	refuse   bool
	stalled  bool
	delay    time.Duration
	changed  chan struct{} // closed when stalled changes
	accepted int
}

func newNetwork(seed uint64) *network {
	return &network{random: rand.New(rand.NewPCG(seed, 1)), links: map[*link]bool{},
		changed: make(chan struct{})}
}

var errRefused = errors.New("connection refused")

// dial opens a connection to the process.
func (n *network) dial(ctx context.Context) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server == nil || n.refuse {
		return nil, errRefused
	}
	client, near := net.Pipe()
	far, server := net.Pipe()
	n.accepted++
	l := &link{n: n, ends: []net.Conn{near, far}, cut: make(chan struct{}), number: n.accepted}
	select {
	case n.server.conns <- server:
	default:
		return nil, errRefused
	}
	n.links[l] = true
	go l.pass(near, far)
	go l.pass(far, near)
	return client, nil
}

// listen makes a process the one that accepts connections.
func (n *network) listen() *listener {
	l := &listener{conns: make(chan net.Conn, 64), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.server = l
	return l
}

// down cuts everything, and nobody listens after it.
func (n *network) down() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.server = nil
	for l := range n.links {
		l.end()
	}
	clear(n.links)
}

// cutSome cuts a share of the connections.
func (n *network) cutSome(share float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for l := range n.links {
		if n.random.Float64() < share {
			l.end()
			delete(n.links, l)
		}
	}
}

func (n *network) change(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	close(n.changed)
	n.changed = make(chan struct{})
}

// weather returns what holds a chunk back, and the size of the next one.
func (n *network) weather() (stalled bool, delay time.Duration, size int, changed chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.delay > 0 {
		delay = time.Duration(n.random.Int64N(int64(n.delay)))
	}
	return n.stalled, delay, 1 + n.random.IntN(2048), n.changed
}

// link is a connection of a client and the one of the process that belongs to it.
type link struct {
	n      *network
	ends   []net.Conn
	cut    chan struct{}
	once   sync.Once
	number int
}

func (l *link) end() {
	l.once.Do(func() {
		close(l.cut)
		for _, c := range l.ends {
			_ = c.Close()
		}
	})
}

// pass copies one direction in pieces of any size, and ends the link at its end.
func (l *link) pass(to, from net.Conn) {
	defer func() {
		l.end()
		l.n.mu.Lock()
		delete(l.n.links, l)
		l.n.mu.Unlock()
	}()
	buf := make([]byte, 2048)
	for {
		_, _, size, _ := l.n.weather()
		count, err := from.Read(buf[:size])
		if err != nil || !l.wait() {
			return
		}
		if _, err := to.Write(buf[:count]); err != nil {
			return
		}
	}
}

// wait reports false when the link is cut before the bytes may pass.
func (l *link) wait() bool {
	for {
		stalled, delay, _, changed := l.n.weather()
		switch {
		case stalled:
			select {
			case <-changed:
			case <-l.cut:
				return false
			}
		case delay > 0:
			select {
			case <-time.After(delay):
				return true
			case <-l.cut:
				return false
			}
		default:
			return true
		}
	}
}

// listener accepts the connections of the network for one process.
type listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return conn{c}, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return address }

var address = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}

// conn has the address of a machine, as the limits of clients need it.
type conn struct{ net.Conn }

func (conn) RemoteAddr() net.Addr { return address }
