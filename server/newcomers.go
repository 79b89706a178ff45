package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// newcomerWait is how long a stop waits for the first request of a connection. A client that connects
// sends it at once; browsers open connections in advance, and open them again.
const newcomerWait = time.Second

// newcomers are the connections that have been accepted, and whose first request has not reached a
// handler yet. http.Server.Shutdown would close them without an answer.
type newcomers struct {
	mu    sync.Mutex
	conns map[net.Conn]bool
	none  chan struct{} // closed when there are none; nil: nobody waits
}

type newcomerKey struct{}

// watch makes a server tell of its connections. Call it before serving.
func (n *newcomers) watch(srv *http.Server) {
	n.conns = make(map[net.Conn]bool)
	state, values, next := srv.ConnState, srv.ConnContext, srv.Handler
	srv.ConnState = func(conn net.Conn, now http.ConnState) {
		switch now {
		case http.StateNew:
			n.add(conn)
		case http.StateClosed, http.StateHijacked:
			n.remove(conn)
		}
		if state != nil {
			state(conn, now)
		}
	}
	srv.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		if values != nil {
			ctx = values(ctx, conn)
		}
		return context.WithValue(ctx, newcomerKey{}, conn)
	}
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, ok := r.Context().Value(newcomerKey{}).(net.Conn); ok {
			n.remove(conn)
		}
		next.ServeHTTP(w, r)
	})
}

func (n *newcomers) add(conn net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns[conn] = true
}

func (n *newcomers) remove(conn net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, conn)
	if n.none != nil && len(n.conns) == 0 {
		close(n.none)
		n.none = nil
	}
}

// wait returns when there are none, or after the timeout. Only one goroutine may call it, once no
// connection is accepted any more.
func (n *newcomers) wait(timeout time.Duration) {
	n.mu.Lock()
	if len(n.conns) == 0 {
		n.mu.Unlock()
		return
	}
	none := make(chan struct{})
	n.none = none
	n.mu.Unlock()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-none:
	case <-timer.C:
	}
}
