package limit

import (
	"container/list"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/roomcast/roomcast/server/sockets"
)

// Descriptors counts the connections of the process against its limit of open files. A process at
// the limit accepts no connection, not even one of a backend, an orchestrator or an operator. So
// the server refuses streams and sockets before that, and keeps the last descriptors for the admin
// listener and for files. It is safe for concurrent use; nil has no limit.
type Descriptors struct {
	limit  int64 // of open files
	others int64 // files that are not connections
	open   atomic.Int64

	mu        sync.Mutex
	addresses map[netip.Addr]int64 // connections of clients, by address
	silent    list.List            // of silent: clients without a request, the oldest first
}

// NewDescriptors returns the count for a limit of open files, of which others are not connections.
// For limit 0 it returns nil.
func NewDescriptors(limit, others int) *Descriptors {
	if limit <= 0 {
		return nil
	}
	// With a tiny limit others is an estimate that must not stop the server.
	return &Descriptors{limit: int64(limit), others: int64(min(others, limit/2)),
		addresses: make(map[netip.Addr]int64)}
}

// Enough returns an error when the limit of open files is too small for this number of connections.
func (d *Descriptors) Enough(connections int) error {
	if d == nil || int64(connections) <= d.room() {
		return nil
	}
	need := (int64(connections)+d.others)*5/4 + 1
	return fmt.Errorf("the limit of open files is %d and MAX_CONNECTIONS is %d: streams and sockets "+
		"are refused from about %d connections on; raise the limit to %d (ulimit -n, LimitNOFILE= of "+
		"systemd, ulimits of a container), or set MAX_CONNECTIONS=%d",
		d.limit, connections, d.room(), need, d.room())
}

// Count returns a connection that counts until it is closed.
func (d *Descriptors) Count(c net.Conn) net.Conn { return d.CountClient(c, netip.Addr{}) }

// CountClient is Count for a connection of a client with this address. The zero address counts for
// nobody.
func (d *Descriptors) CountClient(c net.Conn, ip netip.Addr) net.Conn {
	if d == nil {
		return c
	}
	d.open.Add(1)
	ip = Bucket(ip)
	d.change(ip, 1)
	switch c := c.(type) {
	case *net.TCPConn:
		counted := &countedTCP{TCPConn: c, place: place{d: d, ip: ip}}
		counted.listen(counted)
		return counted
	case sockets.Local:
		counted := &countedLocal{Local: c, place: place{d: d, ip: ip}}
		counted.listen(counted)
		return counted
	}
	counted := &countedConn{Conn: c, place: place{d: d, ip: ip}}
	counted.listen(counted)
	return counted
}

// Crowds reports whether an address takes the descriptors of others: 17 of 20 are in use, and it has
// an eighth of all or more. The limits of streams and sockets do not count connections that send
// nothing or are idle, so without this rule one address could hold all. The rest is for streams and
// sockets of others, which the server refuses from nine tenths on.
func (d *Descriptors) Crowds(ip netip.Addr) bool {
	if d == nil || d.used() < d.limit*17/20 {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.addresses[Bucket(ip)] >= max(1, d.limit/8)
}

func (d *Descriptors) change(ip netip.Addr, n int64) {
	if !ip.IsValid() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.addresses[ip] += n; d.addresses[ip] == 0 {
		delete(d.addresses, ip)
	}
}

// Tight reports whether four fifths of the limit are in use: the server then keeps no idle
// connection open.
func (d *Descriptors) Tight() bool { return d != nil && d.used() >= d.limit*4/5 }

// Full reports whether only the reserve is left: the server then accepts connections for the admin
// listener only.
func (d *Descriptors) Full() bool { return d != nil && d.used() >= d.limit-d.limit/20 }

// refuses reports whether a process with this many streams and sockets takes no more. In a burst of
// connections, those that are accepted and not served yet must not refuse each other, so the number
// of streams and sockets decides up to nine tenths of the limit.
func (d *Descriptors) refuses(connections int) bool {
	return d.Tight() && (int64(connections) >= d.room() || d.used() >= d.limit-d.limit/10)
}

// room returns how many streams and sockets there may be when each has a connection of its own.
func (d *Descriptors) room() int64 { return max(1, d.limit*4/5-d.others) }

func (d *Descriptors) used() int64 { return d.open.Load() + d.others }

// place is the descriptor of one connection.
type place struct {
	d     *Descriptors
	ip    netip.Addr
	freed atomic.Bool

	heard  atomic.Bool   // it has sent a request, or is closed
	silent *list.Element // in Descriptors.silent, guarded by its lock
}

// free gives the descriptor back, once.
func (p *place) free() {
	if !p.freed.Swap(true) {
		p.d.open.Add(-1)
		p.d.change(p.ip, -1)
		p.hear()
	}
}

// countedTCP keeps the methods of a TCP connection, which a handler uses after it has hijacked one.
type countedTCP struct {
	*net.TCPConn
	place
}

// Socket implements sockets.Counted.
func (c *countedTCP) Socket() syscall.Conn { return c.TCPConn }

func (c *countedTCP) Close() error {
	defer c.free()
	return c.TCPConn.Close()
}

// countedLocal is countedTCP for a unix socket.
type countedLocal struct {
	sockets.Local
	place
}

func (c *countedLocal) Close() error {
	defer c.free()
	return c.Local.Close()
}

type countedConn struct {
	net.Conn
	place
}

func (c *countedConn) Close() error {
	defer c.free()
	return c.Conn.Close()
}
