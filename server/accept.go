package server

import (
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/limit"
)

const (
	// tightPause is the time between two accepted connections while descriptors are tight: the
	// server refuses and closes those that it has, before it accepts more.
	tightPause = time.Millisecond
	fullPause  = 10 * time.Millisecond // between two looks whether there are descriptors again
	acceptLog  = 10 * time.Second      // between two log lines for the same trouble
)

// counted is a listener that counts its connections against the limit of open files, and logs when
// it cannot accept any.
type counted struct {
	net.Listener
	files   *limit.Descriptors
	reserve bool // it may use the last descriptors
	log     *zap.Logger

	once   sync.Once
	closed chan struct{}

	// Only Accept uses these, which http.Server calls from one goroutine.
	failed, full time.Time // of the last log lines
}

func newCounted(l net.Listener, files *limit.Descriptors, reserve bool, log *zap.Logger) *counted {
	return &counted{Listener: l, files: files, reserve: reserve, log: log,
		closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (l *counted) Accept() (net.Conn, error) {
	l.hold()
	conn, err := l.Listener.Accept()
	if err != nil {
		if now := time.Now(); !errors.Is(err, net.ErrClosed) && now.Sub(l.failed) >= acceptLog {
			l.failed = now
			l.log.Error("cannot accept a connection", zap.Error(err),
				zap.String("address", l.Addr().String()))
		}
		return nil, err // http.Server tries again after a pause
	}
	return l.files.Count(conn), nil
}

// hold waits while there are no descriptors for a new connection, and a little while there are few.
func (l *counted) hold() {
	if l.reserve || !l.files.Tight() {
		return
	}
	l.pause(tightPause)
	for l.files.Full() {
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
