// Package limit counts connections, handshakes, open files, memory, rates and failed credentials, per
// address, per user and in all.
package limit

import (
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Options are the limits; 0 switches one off.
type Options struct {
	MaxConnections int // both transports together
	MaxStreams     int // EventSource streams
	PerUser        int // connections of one user
	PerIP          int // connections of one IPv4 address or IPv6 /64
	AuthFailures   int // invalid tokens and tickets per minute of one such address

	AskHook bool // credentials are checked by the application, see Limiter.Attempt

	Descriptors *Descriptors // nil: open files are not counted
	Memory      *Memory      // nil: no limit of memory
}

// Limiter counts open connections against Options. It counts and compares in one step under one
// lock, so limits are exact however many connections arrive at once. It is safe for concurrent use.
type Limiter struct {
	mu          sync.Mutex
	options     Options
	guesses     *Rates // failed credentials; nil before the first
	elsewhere   elsewhere
	connections int
	streams     int
	users       map[string]int
	addresses   map[netip.Addr]int
	handshakes  handshakes
}

// New returns a Limiter without connections.
func New(o Options) *Limiter {
	return &Limiter{
		options: o, users: map[string]int{}, addresses: map[netip.Addr]int{},
		handshakes: handshakes{from: map[netip.Addr]int{}},
	}
}

// Reload replaces the limits for connections that are opened from now on. Connections above a new
// limit stay open.
func (l *Limiter) Reload(o Options) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o.AuthFailures != l.options.AuthFailures {
		l.guesses = nil
	}
	l.options = o
	l.shareAll()
}

// Error names the limit that refused a connection. Its text goes to the client, so it contains no
// address and no user.
type Error struct {
	Limit  string        // "connections", "streams", "user", "address", "handshakes", "files" or "memory"
	Max    int           // the bound; 0 for those of the process
	Status int           // 503 when the server is full, 429 when this client is over its share
	Wait   time.Duration // suggested, until the next attempt

	passing bool
}

func (e *Error) Error() string {
	if e.Limit == "files" || e.Limit == "memory" {
		return fmt.Sprintf("Too many connections (%s limit)", e.Limit)
	}
	return fmt.Sprintf("Too many connections (%s limit of %d)", e.Limit, e.Max)
}

// HTTPStatus returns 503 or 429, the status that refuses a handshake.
func (e *Error) HTTPStatus() int { return e.Status }

// Passing reports whether the limit may be reached only because a connection to another node has ended
// unnoticed: the next attempts can succeed.
func (e *Error) Passing() bool { return e.passing }

// RetryAfter returns the time until the next attempt.
func (e *Error) RetryAfter() time.Duration { return e.Wait }

// AcquireSocket counts a Socket.IO connection of an address. When a limit is reached it returns an
// *Error and counts nothing. release ends the count; it may be called more than once.
func (l *Limiter) AcquireSocket(ip netip.Addr) (release func(), err error) {
	return l.acquire(false, ip, "")
}

// AcquireStream is AcquireSocket for an EventSource stream of a user, "" for an anonymous one.
func (l *Limiter) AcquireStream(ip netip.Addr, user string) (release func(), err error) {
	return l.acquire(true, ip, user)
}

func (l *Limiter) acquire(stream bool, ip netip.Addr, user string) (release func(), err error) {
	ip = Bucket(ip)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch o := l.options; {
	case o.Memory.refuses():
		return nil, processError("memory")
	case o.Descriptors.refuses(l.connections):
		return nil, processError("files")
	case reached(l.connections, o.MaxConnections):
		return nil, overError("connections", o.MaxConnections, http.StatusServiceUnavailable, 5*time.Second)
	case stream && reached(l.streams, o.MaxStreams):
		return nil, overError("streams", o.MaxStreams, http.StatusServiceUnavailable, 5*time.Second)
	case ip.IsValid() && reached(l.addresses[ip], o.PerIP):
		return nil, overError("address", o.PerIP, http.StatusTooManyRequests, 10*time.Second)
	case user != "" && l.isFull(user, 0):
		return nil, l.userError()
	}
	l.add(stream, ip, user, 1)
	return l.releaser(func() { l.add(stream, ip, user, -1) }), nil
}

// AcquireUser counts a connection for a user. It compares the number of the user's connections
// only, because AcquireSocket has counted the connection. moved says that the connection takes the
// place of one to another node of the cluster, which is perhaps still counted there.
func (l *Limiter) AcquireUser(user string, moved bool) (release func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ended := 0
	if moved {
		ended = 1
	}
	if l.isFull(user, ended) {
		refused := l.userError()
		refused.passing = l.users[user] < l.options.PerUser && l.elsewhere.mayPass(user)
		return nil, refused
	}
	delete(l.elsewhere.refused, user)
	l.count(user, 1)
	return l.releaser(func() { l.count(user, -1) }), nil
}

// isFull reports whether a user has no connection left, if so many of those to other nodes have ended.
// The caller holds the lock.
func (l *Limiter) isFull(user string, ended int) bool {
	most := l.options.PerUser
	return most > 0 && l.users[user]+max(0, l.elsewhere.count(user)-ended) >= most
}

// Counts returns the number of open connections, of streams among them, and of users with a
// connection.
func (l *Limiter) Counts() (connections, streams, users int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.connections, l.streams, len(l.users)
}

// processError is the error of a process that has too many open files, or too little memory. It
// names no number: the limits of the process are not for clients.
func processError(limit string) error {
	return overError(limit, 0, http.StatusServiceUnavailable, 5*time.Second)
}

func overError(limit string, most, status int, wait time.Duration) *Error {
	return &Error{Limit: limit, Max: most, Status: status, Wait: wait}
}

func (l *Limiter) userError() *Error {
	return overError("user", l.options.PerUser, http.StatusTooManyRequests, 10*time.Second)
}

// The caller of add holds the lock.
func (l *Limiter) add(stream bool, ip netip.Addr, user string, n int) {
	l.connections += n
	if stream {
		l.streams += n
	}
	if ip.IsValid() {
		change(l.addresses, ip, n)
	}
	if user != "" {
		l.count(user, n)
	}
}

// The caller of count holds the lock.
func (l *Limiter) count(user string, n int) {
	change(l.users, user, n)
	l.share(user)
}

// releaser returns a function that calls undo once, with the lock held.
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

// change deletes a key whose count is zero, so that the maps contain connected clients only.
func change[K comparable](m map[K]int, key K, n int) {
	if m[key] += n; m[key] == 0 {
		delete(m, key)
	}
}
