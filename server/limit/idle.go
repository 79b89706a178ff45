package limit

import (
	"container/list"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/roomcast/roomcast/server/sockets"
)

const (
	// idlePerAddress is how many idle connections of one address stay open. A browser has six at
	// most, and opens another one when it has none.
	idlePerAddress = 100
	// idleRest is the time for which every connection may be idle, so that one is not closed while
	// the client's next request is on its way.
	idleRest = 500 * time.Millisecond
)

// Idle bounds the HTTP connections of one address that wait for their next request. Each holds 20 KB
// in buffers and stack of net/http, and no limit of streams and sockets counts it: sessions over
// polling that are refused or have ended leave theirs. Above the bound, the connection that has been
// idle for the longest time is closed. Idle is safe for concurrent use.
type Idle struct {
	// counts reports the address for which a connection counts. That of a proxy counts for nobody.
	counts func(net.Conn) (ip netip.Addr, ok bool)

	mu        sync.Mutex
	places    map[net.Conn]*list.Element // of idle connections
	addresses map[netip.Addr]*list.List  // of idle: the longest idle first
}

// idle is a connection in Idle.
type idle struct {
	conn  net.Conn
	ip    netip.Addr
	since time.Time
}

// NewIdle returns an Idle without connections.
func NewIdle(counts func(net.Conn) (ip netip.Addr, ok bool)) *Idle {
	return &Idle{counts: counts, places: make(map[net.Conn]*list.Element),
		addresses: make(map[netip.Addr]*list.List)}
}

// Note is the ConnState of an http.Server.
func (i *Idle) Note(conn net.Conn, state http.ConnState) {
	conn = sockets.Plain(conn) // HTTP/2 has another connection for the same socket
	if state != http.StateIdle {
		i.remove(conn)
		return
	}
	if ip, ok := i.counts(conn); ok {
		if old := i.add(idle{conn, Bucket(ip), time.Now()}); old != nil {
			_ = old.Close() // that of the socket, as the Close of TLS would write
		}
	}
}

// add adds a connection and returns the one that has to give way, which is not in i any more.
func (i *Idle) add(c idle) net.Conn {
	i.mu.Lock()
	defer i.mu.Unlock()
	all := i.addresses[c.ip]
	if all == nil {
		all = list.New()
		i.addresses[c.ip] = all
	}
	i.places[c.conn] = all.PushBack(c)
	oldest := all.Front().Value.(idle)
	if all.Len() <= idlePerAddress || c.since.Sub(oldest.since) < idleRest {
		return nil
	}
	i.drop(oldest.conn)
	return oldest.conn
}

func (i *Idle) remove(conn net.Conn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.drop(conn)
}

// drop removes a connection. The caller holds the lock.
func (i *Idle) drop(conn net.Conn) {
	e := i.places[conn]
	if e == nil {
		return
	}
	ip := e.Value.(idle).ip
	delete(i.places, conn)
	all := i.addresses[ip]
	all.Remove(e)
	if all.Len() == 0 {
		delete(i.addresses, ip)
	}
}
