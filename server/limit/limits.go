// Package limit counts connections, rates and failed credentials, per address, per user and in all.
package limit

import (
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Options bound live connections; 0 switches a limit off.
type Options struct {
	MaxConnections int // both transports together
	MaxStreams     int // EventSource streams
	PerUser        int // connections of one user
	PerIP          int // connections of one IPv4 address or IPv6 /64
	AuthFailures   int // tokens and tickets a minute that do not verify, of one such address
}

// Limiter counts live connections against LimitOptions. Every count is taken
// and compared in one step under one lock, so a limit is exact however many
// arrive at once. Safe for concurrent use.
type Limiter struct {
	options Options
	guesses guesses

	mu          sync.Mutex
	connections int
	streams     int
	waiting     int // connected but not authenticated
	users       map[string]int
	addresses   map[netip.Addr]int
	strangers   map[netip.Addr]int // of those waiting, by address
}

// New returns a Limiter with nothing counted.
func New(o Options) *Limiter {
	return &Limiter{options: o, users: map[string]int{}, addresses: map[netip.Addr]int{}, strangers: map[netip.Addr]int{}}
}

// Error says which bound refused a connection. Its text names no address
// and no user: it goes to the client.
type Error struct {
	Limit  string        // "connections", "streams", "user", "address" or "handshakes"
	Max    int           // the bound
	Status int           // 503 when the server is full, 429 when this caller is over its share
	Wait   time.Duration // before the next try, a hint
}

func (e *Error) Error() string {
	return fmt.Sprintf("Too many connections (%s limit of %d)", e.Limit, e.Max)
}

// HTTPStatus is 503 or 429, for a server that refuses a handshake with it.
func (e *Error) HTTPStatus() int { return e.Status }

// RetryAfter is how long to wait before the next try.
func (e *Error) RetryAfter() time.Duration { return e.Wait }

// AcquireSocket counts a Socket.IO connection of an address. It returns a
// *LimitError and counts nothing when a limit is reached. release gives the place
// back; it may be called more than once.
func (l *Limiter) AcquireSocket(ip netip.Addr) (release func(), err error) {
	return l.acquire(false, ip, "")
}

// AcquireStream is AcquireSocket for an EventSource stream, whose user is known from
// the start ("" for an anonymous one).
func (l *Limiter) AcquireStream(ip netip.Addr, user string) (release func(), err error) {
	return l.acquire(true, ip, user)
}

func (l *Limiter) acquire(stream bool, ip netip.Addr, user string) (release func(), err error) {
	ip = ipBucket(ip)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch o := l.options; {
	case reached(l.connections, o.MaxConnections):
		return nil, &Error{"connections", o.MaxConnections, http.StatusServiceUnavailable, 5 * time.Second}
	case stream && reached(l.streams, o.MaxStreams):
		return nil, &Error{"streams", o.MaxStreams, http.StatusServiceUnavailable, 5 * time.Second}
	case ip.IsValid() && reached(l.addresses[ip], o.PerIP):
		return nil, &Error{"address", o.PerIP, http.StatusTooManyRequests, 10 * time.Second}
	case user != "" && reached(l.users[user], o.PerUser):
		return nil, l.userError()
	}
	l.add(stream, ip, user, 1)
	return l.releaser(func() { l.add(stream, ip, user, -1) }), nil
}

// AcquireUser counts one more user of a connection that is counted: only
// the user's connections are compared.
func (l *Limiter) AcquireUser(user string) (release func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if reached(l.users[user], l.options.PerUser) {
		return nil, l.userError()
	}
	change(l.users, user, 1)
	return l.releaser(func() { change(l.users, user, -1) }), nil
}

// PreAuth counts a connection that has not said who it is. At most a tenth of
// MaxConnections (and 16) may be in that state, so that a crowd that never
// authenticates leaves room for users; and half of that from one address, so that
// it leaves room for other addresses. Release it when the identity is known.
func (l *Limiter) PreAuth(ip netip.Addr) (release func(), err error) {
	ip = ipBucket(ip)
	l.mu.Lock()
	defer l.mu.Unlock()
	if limit := l.options.MaxConnections; limit > 0 {
		limit = max(16, limit/10)
		if share := max(16, limit/2); l.waiting >= limit || l.strangers[ip] >= share {
			return nil, &Error{"handshakes", limit, http.StatusServiceUnavailable, 2 * time.Second}
		}
	}
	l.waiting++
	change(l.strangers, ip, 1)
	return l.releaser(func() {
		l.waiting--
		change(l.strangers, ip, -1)
	}), nil
}

// Counts returns the live connections, the streams among them, and the users that
// have a connection.
func (l *Limiter) Counts() (connections, streams, users int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.connections, l.streams, len(l.users)
}

func (l *Limiter) userError() error {
	return &Error{"user", l.options.PerUser, http.StatusTooManyRequests, 10 * time.Second}
}

// add is called with the lock held.
func (l *Limiter) add(stream bool, ip netip.Addr, user string, n int) {
	l.connections += n
	if stream {
		l.streams += n
	}
	if ip.IsValid() {
		change(l.addresses, ip, n)
	}
	if user != "" {
		change(l.users, user, n)
	}
}

// releaser makes a release that works once; undo runs with the lock held.
func (l *Limiter) releaser(undo func()) func() {
	var released bool
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !released {
			released = true
			undo()
		}
	}
}

func reached(n, limit int) bool { return limit > 0 && n >= limit }

// change drops a key at zero: the maps hold only who is connected.
func change[K comparable](m map[K]int, key K, n int) {
	if m[key] += n; m[key] == 0 {
		delete(m, key)
	}
}
