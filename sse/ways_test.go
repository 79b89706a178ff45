package sse

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// way is the writer of a stream over HTTP/1.1.
type way string

const (
	taken   way = "taken"   // the stream, which takes over the connection
	netHTTP way = "netHTTP" // net/http, because a middleware keeps the connection
)

// bothWays runs a test for each way.
func bothWays(t *testing.T, test func(*testing.T, way)) {
	t.Helper()
	for _, w := range []way{taken, netHTTP} {
		t.Run(string(w), func(t *testing.T) {
			t.Parallel()
			test(t, w)
		})
	}
}

// overHTTP runs a test over HTTP/1.1 both ways, over HTTP/1.1 with TLS, and over HTTP/2.
func overHTTP(t *testing.T, r *rig, test func(*testing.T, *httptest.Server, *http.Client)) {
	for _, w := range []way{taken, netHTTP} {
		t.Run(string(w), func(t *testing.T) {
			srv := r.serve(t, w)
			test(t, srv, srv.Client())
		})
	}
	for name, h2 := range map[string]bool{"tls": false, "h2": true} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewUnstartedServer(r.routes())
			srv.EnableHTTP2 = h2
			srv.StartTLS()
			t.Cleanup(srv.Close)
			test(t, srv, srv.Client())
		})
	}
}

// of returns h behind a middleware that allows only this way.
func (w way) of(h http.Handler) http.Handler {
	if w == taken {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(keeper{w}, r)
	})
}

// keeper is a ResponseWriter of net/http that cannot be hijacked.
type keeper struct{ of http.ResponseWriter }

func (k keeper) Header() http.Header         { return k.of.Header() }
func (k keeper) WriteHeader(status int)      { k.of.WriteHeader(status) }
func (k keeper) Write(p []byte) (int, error) { return k.of.Write(p) }
func (k keeper) FlushError() error           { return http.NewResponseController(k.of).Flush() }

func (k keeper) SetWriteDeadline(t time.Time) error {
	return http.NewResponseController(k.of).SetWriteDeadline(t)
}

// recorder is a response writer without a connection, for tests with a fake clock.
type recorder struct {
	mu     sync.Mutex
	header http.Header
	body   bytes.Buffer
	writes int
	to     io.Writer // instead of body, if set
}

func (r *recorder) Header() http.Header              { return r.header }
func (r *recorder) WriteHeader(int)                  {}
func (r *recorder) FlushError() error                { return nil }
func (r *recorder) SetWriteDeadline(time.Time) error { return nil }

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes++
	if r.to != nil {
		return r.to.Write(p)
	}
	return r.body.Write(p)
}

// take returns the bytes written since the last take.
func (r *recorder) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.body.String()
	r.body.Reset()
	return s
}

// giver is a recorder that can be hijacked: its connection is one end of a pipe. A client at the
// other end records the chunks.
type giver struct {
	*recorder
	client net.Conn
	closed chan struct{} // nil before the connection is hijacked
}

func (g *giver) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	server, client := net.Pipe()
	conn := &closing{Conn: server, closed: make(chan struct{})}
	g.client, g.closed = client, conn.closed
	go g.read()
	return conn, bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn)), nil
}

// read records chunks until the last one or a malformed one. Then it closes the connection.
func (g *giver) read() {
	defer g.client.Close()
	for in := bufio.NewReader(g.client); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		size, err := strconv.ParseUint(strings.TrimSuffix(line, "\r\n"), 16, 32)
		if err != nil {
			return
		}
		chunk := make([]byte, size+2)
		if _, err := io.ReadFull(in, chunk); err != nil || size == 0 ||
			string(chunk[size:]) != "\r\n" {
			return
		}
		if _, err := g.Write(chunk[:size]); err != nil {
			return
		}
	}
}

// closing is a connection whose Close closes a channel.
type closing struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *closing) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// start serves a request in the background until stop, on a recorder that writes to the given
// writer if there is one.
func (r *rig) start(target string, to ...io.Writer) (rec *recorder, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	rec = &recorder{header: make(http.Header)}
	if len(to) > 0 {
		rec.to = to[0]
	}
	var w http.ResponseWriter = rec
	g := &giver{recorder: rec}
	if r.way == taken {
		w = g
	}
	done := make(chan struct{})
	req := httptest.NewRequest(http.MethodGet, target, nil).WithContext(ctx)
	go func() {
		defer close(done)
		r.routes().ServeHTTP(w, req)
	}()
	return rec, func() {
		cancel()
		<-done
		if g.closed != nil {
			_ = g.client.Close()
			<-g.closed
		}
	}
}
