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

// A reader that stops reading is cut by the write deadline; the others get everything meanwhile.
func TestSlowReader(t *testing.T) {
	for name, h2 := range map[string]bool{"h1": false, "h2": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Options{WriteTimeout: 300 * time.Millisecond})
			srv := slowServer(t, r, h2)
			slow := openWith(t, dialing(t, srv, new(atomic.Bool)), srv.URL+"/sse?userId=slow&channels=c")
			fast := openWith(t, srv.Client(), srv.URL+"/sse?userId=fast&channels=c")
			floodUntilGone(t, r, func(id string) {
				if e := fast.want("t"); e.id != id { // one by one: it never lags
					t.Fatalf("fast got %s, want %s", e.id, id)
				}
			})
			if r.Len() != 1 || !r.hub.UserOnline("fast") {
				t.Error("the fast one is gone")
			}
			// What it has read it goes on from: with the next one, or a gap when that is no longer kept.
			last := slow.drain()
			again := openWith(t, srv.Client(), srv.URL+"/sse?userId=slow&channels=c", "Last-Event-ID", last)
			if e := again.want(""); e.name != "gap" && e.name != "t" {
				t.Errorf("%+v", e)
			}
		})
	}
}

// A connection that takes no byte at all: over HTTP/2 the server's own timeout has to end it, since its streams share it.
func TestDeafConnection(t *testing.T) {
	for name, h2 := range map[string]bool{"h1": false, "h2": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Options{WriteTimeout: 300 * time.Millisecond})
			srv := slowServer(t, r, h2)
			var deaf atomic.Bool
			openWith(t, dialing(t, srv, &deaf), srv.URL+"/sse?userId=slow&channels=c")
			deaf.Store(true)
			floodUntilGone(t, r, func(string) {})
		})
	}
}

// slowServer serves r with timeouts that suit a test.
func slowServer(t *testing.T, r *rig, h2 bool) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(r.routes())
	srv.EnableHTTP2 = h2
	srv.Config.HTTP2 = &http.HTTP2Config{WriteByteTimeout: 300 * time.Millisecond}
	srv.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		// Less to fill, and less to read for a client that was cut.
		if err := c.(*tls.Conn).NetConn().(*net.TCPConn).SetWriteBuffer(64 << 10); err != nil {
			t.Error(err)
		}
		return ctx
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
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
			time.Sleep(10 * time.Millisecond) // the buffers are full: only the deadline is awaited
		}
	}
	r.awaitGone(t, 1)
}

// dialing returns a client of srv with a connection of its own, of which it reads nothing more once it is deaf.
func dialing(t *testing.T, srv *httptest.Server, deaf *atomic.Bool) *http.Client {
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	transport := srv.Client().Transport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
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
