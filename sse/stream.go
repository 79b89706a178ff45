package sse

import (
	"math"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/sockets"
)

// expiryWarning is the time between `auth:expiring` and the end of a token.
const expiryWarning = 30 * time.Second

// ending is the reason why a stream ends.
type ending struct {
	reason  string
	gone    bool // the client closed the connection: the writer writes nothing more
	expired bool // the token has ended
	ordered bool // by the API: the client gets the reason and does not reconnect
	drained bool // by Drain: the client gets everything that was published before
	cut     bool // with gone: by the server, which resets the connection
}

// stream is one response. At most one goroutine at a time is its writer, and none while there is
// nothing to write. The fields that a delivery uses are first, so that they share cache lines.
type stream struct {
	h      *Handler
	member *notify.Member

	// Any goroutine may use these.
	writer  atomic.Int32 // the state of the writer
	taken   atomic.Bool  // wire is set
	how     atomic.Pointer[ending]
	expires atomic.Int64           // the end of the token, on the wall clock; never without a token
	due     atomic.Int64           // when the timer wakes the stream; written under Handler.mu
	last    atomic.Int64           // the last successful write, as instant.mono
	bytes   atomic.Int64           // of events written
	asked   atomic.Bool            // sync is due at once
	lane    sockets.Place[*stream] // where it waits for a shared writer

	// Only the writer uses these.
	finished, broken bool // set by finish
	left             bool // the member is detached, and its last messages are not written yet
	nextHeartbeat    int64
	nextSync         int64
	warned           int64 // the end of the token in the last warning
	out              output
	wire             wire
	names            names

	clientID string
	address  netip.Addr                    // from Options.Address
	identity auth.Identity                 // at the start
	renewed  atomic.Pointer[auth.Identity] // by a new token; nil before the first
	limiter  atomic.Pointer[rate.Limiter]  // of messages; nil before the first
	release  func()                        // from Options.Admit
	ended    func(bytes int64)             // from a Detacher; may be nil
	started  time.Time
	retry    time.Duration // after which the client reconnects
	place    int           // index in the dueQueue; -1: none
}

// output is the destination of the bytes of a stream. Only the writer uses it.
type output interface {
	// frame returns the events of a batch in their wire form, in segments.
	frame(*batch) [][]byte
	// write writes and flushes segments. It waits at most the timeout for each sockets.WritePart bytes.
	write(segs [][]byte, timeout time.Duration) error
}

// newStream returns a stream whose writer is the caller. It clones the strings of the request: each
// is a part of the request line and would keep all of it in memory, including tokens.
func newStream(h *Handler, identity auth.Identity, n names, release func()) *stream {
	identity.UserID = strings.Clone(identity.UserID)
	identity.Username = strings.Clone(identity.Username)
	n.notifications = strings.Clone(n.notifications)
	s := &stream{
		h: h, identity: identity, names: n, release: release, clientID: h.newClientID(),
		started: time.Now(), retry: newRetry(),
		wire: wire{fd: -1}, place: -1,
	}
	s.expires.Store(wallNanos(identity.ExpiresAt))
	s.last.Store(h.at(s.started).mono)
	s.due.Store(never)
	s.writer.Store(writing)
	return s
}

// wallNanos returns t in nanoseconds since 1970. It returns never for the zero time and for a time
// that is out of range.
func wallNanos(t time.Time) int64 {
	if t.IsZero() || t.Unix() >= math.MaxInt64/int64(time.Second) {
		return never
	}
	return t.UnixNano()
}

// stop ends the stream from any goroutine, without waiting for it. The first reason counts.
func (s *stream) stop(how ending) {
	if s.how.CompareAndSwap(nil, &how) {
		s.wake()
	}
}

// answer makes an enveloped stream send sync. A client that changes its channels, or asks for no
// change at all, learns by it that events still arrive: the response to its request comes over
// another connection.
func (s *stream) answer() {
	if s.names.envelope {
		s.asked.Store(true)
		s.wake()
	}
}

// Address returns the address of the client, as Options.Address says it, not valid without.
func (s *stream) Address() netip.Addr { return s.address }

// LastActive returns the time of the last successful write, heartbeats included.
func (s *stream) LastActive() time.Time { return s.h.start.Add(time.Duration(s.last.Load())) }
