package server

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/sockets"
)

const (
	// tightPause is the time between two accepted connections while descriptors are tight: the
	// server refuses and closes those that it has, before it accepts more.
	tightPause = time.Millisecond
	// After crowdedRun connections of an address that takes the descriptors of others, the listener
	// pauses for crowdedPause: that bounds the processor time of such an address, while others do
	// not wait long behind it.
	// An address may do so for crowdedAfter: in a burst, the server answers the streams and sockets
	// that it refuses, and they close. After crowdedMemory without such a connection it may again.
	crowdedAfter  = 3 * time.Second
	crowdedMemory = 30 * time.Second
	crowdedRun    = 8
	crowdedPause  = time.Millisecond
	fullPause     = 10 * time.Millisecond // between two looks whether there are descriptors again
	acceptLog     = 10 * time.Second      // between two log lines for the same trouble
)

// counted is a listener that counts its connections against the limit of open files, and logs when
// it cannot accept any.
type counted struct {
	net.Listener
	files   *limit.Descriptors
	reserve bool           // it may use the last descriptors
	trusted []netip.Prefix // proxies: each has the connections of many clients
	log     *zap.Logger

	once   sync.Once
	closed chan struct{}

	// Only Accept uses these, which http.Server calls from one goroutine.
	failed, full, crowded time.Time // of the last log lines
	since, last           time.Time // the first and the last connection of an address that crowds
}

func newCounted(
	l net.Listener, files *limit.Descriptors, reserve bool, trusted []netip.Prefix, log *zap.Logger,
) *counted {
	return &counted{Listener: l, files: files, reserve: reserve, trusted: trusted, log: log,
		closed: make(chan struct{})}
}

// Accept implements net.Listener. It closes connections of an address that takes the descriptors of
// others, because the next one that waits may be of another address.
func (l *counted) Accept() (net.Conn, error) {
	l.hold()
	for i := 1; ; i++ {
		conn, err := l.accept()
		if err != nil {
			return nil, err // http.Server tries again after a pause
		}
		ip := edge.RemoteIP(conn.RemoteAddr().String())
		if l.reserve || edge.Contains(l.trusted, ip) {
			return l.files.Count(conn), nil
		}
		if !l.crowds(ip) {
			return l.files.CountClient(conn, ip), nil
		}
		sockets.Reset(conn)
		if i%crowdedRun == 0 {
			l.pause(crowdedPause)
		}
		if now := time.Now(); now.Sub(l.crowded) >= acceptLog {
			l.crowded = now
			l.log.Warn("connections are closed: one address has an eighth of the limit of open files, "+
				"of which most are in use; name proxies in TRUSTED_PROXIES", zap.Stringer("address", ip))
		}
	}
}

// crowds reports whether to close a connection because its address takes the descriptors of others.
func (l *counted) crowds(ip netip.Addr) bool {
	if !l.files.Crowds(ip) {
		return false
	}
	now := time.Now()
	if now.Sub(l.last) > crowdedMemory {
		l.since = now
	}
	l.last = now
	return now.Sub(l.since) >= crowdedAfter
}

func (l *counted) accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		if now := time.Now(); !errors.Is(err, net.ErrClosed) && now.Sub(l.failed) >= acceptLog {
			l.failed = now
			l.log.Error("cannot accept a connection", zap.Error(err),
				zap.String("address", l.Addr().String()))
		}
	}
	return conn, err
}

// hold waits while there are no descriptors for a new connection, and a little while there are few.
// When there are none, connections that send nothing give way.
func (l *counted) hold() {
	if l.reserve || !l.files.Tight() {
		return
	}
	l.pause(tightPause)
	for l.files.Full() {
		if now := time.Now(); l.files.CloseSilent(now) > 0 {
			// This is no burst of clients, so an address that crowds gets no more time.
			l.since, l.last = now.Add(-crowdedAfter), now
			continue
		}
		if now := time.Now(); now.Sub(l.full) >= acceptLog {
			l.full = now
			l.log.Error("no connection is accepted: the process has too many open files; raise " +
				"its limit, or lower MAX_CONNECTIONS")
		}
		if !l.pause(fullPause) {
			return
		}
	}
}

// pause reports false when the listener is closed.
func (l *counted) pause(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-l.closed:
		return false
	}
}

// Close implements net.Listener.
func (l *counted) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// keepIdle makes srv close idle connections while descriptors are tight, and keep them otherwise.
// The Service calls it again and again; it returns the new state.
func keepIdle(srv *http.Server, files *limit.Descriptors, log *zap.Logger, kept bool) bool {
	keep := !files.Tight()
	if keep == kept {
		return kept
	}
	srv.SetKeepAlivesEnabled(keep)
	if keep {
		log.Info("descriptors are available again")
	} else {
		log.Warn("most descriptors are in use: new streams and sockets may be refused; raise the " +
			"limit of open files, or lower MAX_CONNECTIONS")
	}
	return keep
}
