package sse

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// transports are the kinds of servers in these tests.
var transports = map[string]struct {
	way     way
	tls, h2 bool
}{
	"taken": {taken, false, false}, "netHTTP": {netHTTP, false, false}, "tls": {taken, true, false},
	"h2": {taken, true, true},
}

// eachTransport runs a test with a server for each transport that cuts slow readers after the
// timeout.
func eachTransport(
	t *testing.T, timeout time.Duration, test func(*testing.T, *rig, *httptest.Server),
) {
	for name, c := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{WriteTimeout: timeout})
			srv := httptest.NewUnstartedServer(c.way.of(r.routes()))
			srv.EnableHTTP2 = c.h2
			srv.Config.HTTP2 = &http.HTTP2Config{WriteByteTimeout: timeout}
			srv.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
				if secure, ok := conn.(*tls.Conn); ok {
					conn = secure.NetConn()
				}
				// Less to fill, and less to read for a client that was cut.
				if err := conn.(*net.TCPConn).SetWriteBuffer(64 << 10); err != nil {
					t.Error(err)
				}
				return ctx
			}
			if c.tls {
				srv.StartTLS()
			} else {
				srv.Start()
			}
			t.Cleanup(srv.Close)
			test(t, r, srv)
		})
	}
}

// The write timeout cuts a client that stops reading. Meanwhile other clients get all messages.
func TestSlowReader(t *testing.T) {
	eachTransport(t, 500*time.Millisecond, func(t *testing.T, r *rig, srv *httptest.Server) {
		slow := openWith(t, dialing(t, srv, new(atomic.Bool)),
			srv.URL+"/sse?userId=slow&channels=c")
		fast := openWith(t, srv.Client(), srv.URL+"/sse?userId=fast&channels=c")
		floodUntilGone(t, r, func(id string) {
			if e := fast.want("t"); e.id != id { // one by one, so it never lags
				t.Fatalf("fast got %s, want %s", e.id, id)
			}
		})
		if r.Len() != 1 || !r.hub.UserOnline("fast") {
			t.Error("the fast stream has ended")
		}
		// It continues after the last event that it read: with the next one, or with a gap if the
		// history no longer has that one.
		last := slow.drain()
		again := openWith(t, srv.Client(), srv.URL+"/sse?userId=slow&channels=c", "Last-Event-ID",
			last)
		if e := again.want(""); e.name != "gap" && e.name != "t" {
			t.Errorf("%+v", e)
		}
	})
}

// A connection takes no more bytes: over HTTP/2 its streams share it, so the timeout of the server
// must end it.
func TestConnectionTakesNoBytes(t *testing.T) {
	eachTransport(t, 500*time.Millisecond, func(t *testing.T, r *rig, srv *httptest.Server) {
		var deaf atomic.Bool
		openWith(t, dialing(t, srv, &deaf), srv.URL+"/sse?userId=slow&channels=c")
		deaf.Store(true)
		floodUntilGone(t, r, func(string) {})
	})
}

// A client that reads slowly gets every byte: the writer splits a backlog that does not fit into
// the socket, and each part has its own deadline.
func TestSlowReaderGetsBacklog(t *testing.T) {
	eachTransport(t, 20*time.Second, func(t *testing.T, r *rig, srv *httptest.Server) {
		c := openWith(t, srv.Client(), srv.URL+"/sse?userId=u1&channels=c")
		var ids []string
		data := raw(`"` + strings.Repeat("x", 200<<10) + `"`)
		for range 20 { // 4 MB before anything is read
			ids = append(ids, r.publish(t, notify.Notification{Type: "t", Data: data},
				notify.ToChannel("c")))
		}
		for _, id := range ids {
			if e := c.want("t"); e.id != id || len(e.data) < len(data) {
				t.Fatalf("got %d bytes with id %s, want %s", len(e.data), e.id, id)
			}
		}
	})
}

// floodUntilGone publishes to channel c until the user "slow" is gone.
func floodUntilGone(t *testing.T, r *rig, published func(id string)) {
	t.Helper()
	data := raw(`"` + strings.Repeat("x", 64<<10) + `"`)
	for n := 0; r.hub.UserOnline("slow"); n++ {
		if n == 1000 {
			t.Fatal("the slow reader is still there after 64 MiB and some seconds")
		}
		published(r.publish(t, notify.Notification{Type: "t", Data: data}, notify.ToChannel("c")))
		if n > 200 {
			time.Sleep(10 * time.Millisecond) // the buffers are full: the deadline must pass
		}
	}
	r.awaitGone(t, 1)
}

// dialing returns a client of srv with its own connection. It reads no more from it when deaf is
// set.
func dialing(t *testing.T, srv *httptest.Server, deaf *atomic.Bool) *http.Client {
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	transport := srv.Client().Transport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if err := conn.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
			t.Error(err)
		}
		return &deafConn{conn, deaf, over}, nil
	}
	return &http.Client{Transport: transport}
}

type deafConn struct {
	net.Conn
	deaf *atomic.Bool
	over chan struct{} // closed with the test
}

func (c *deafConn) Read(p []byte) (int, error) {
	if c.deaf.Load() {
		<-c.over
		return 0, net.ErrClosed
	}
	return c.Conn.Read(p)
}

// drain reads to the end of a cut stream and returns the last id.
func (c *client) drain() string {
	for {
		if _, err := c.next(); err != nil {
			return c.lastID
		}
	}
}
