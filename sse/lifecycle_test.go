package sse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// Above the limit a client gets a short stream with `overloaded`: after any other status it would
// not reconnect.
func TestOverloaded(t *testing.T) { bothWays(t, testOverloaded) }

func testOverloaded(t *testing.T, w way) {
	full := fmt.Errorf("1000 streams: %w", ErrOverloaded)
	banned := &auth.Error{Code: "too_many_connections", Message: "Too many connections",
		Status: 403}
	var err error
	r := newRig(t, Options{Admit: func(*http.Request, auth.Identity) (func(), error) {
		return nil, err
	}})
	srv := r.serve(t, w)
	for _, c := range []struct {
		err    error
		target string
		status int
		want   string
	}{
		{full, "/sse", 200, "retry: R\nevent: overloaded\ndata: {\"type\":\"overloaded\"}\n\n"},
		{full, "/api/sse", 200, "retry: R\nevent: message\ndata: {\"type\":\"overloaded\"}\n\n"},
		{banned, "/sse", 403,
			`{"type":"about:blank","title":"Forbidden","status":403,` +
				`"detail":"Too many connections","code":"too_many_connections"}` + "\n"},
		{errors.New("secret"), "/sse", 500,
			`{"type":"about:blank","title":"Internal Server Error","status":500,` +
				`"code":"internal"}` + "\n"},
	} {
		err = c.err
		resp := get(t, t.Context(), http.DefaultClient, srv.URL+c.target)
		body, readErr := io.ReadAll(resp.Body)
		got := blur(string(body))
		if resp.StatusCode != c.status || got != c.want || readErr != nil {
			t.Errorf("%v %s: %d %q %v, want %d %q", c.err, c.target, resp.StatusCode, got, readErr,
				c.status, c.want)
		}
		if c.status == 200 && (resp.Header.Get("Content-Type") != "text/event-stream" ||
			resp.Header.Get("Cache-Control") != "no-store, no-transform") {
			t.Errorf("headers %v", resp.Header)
		}
	}
	err = nil
	open(t, srv.URL+"/sse")
}

func TestShutdown(t *testing.T) { bothWays(t, testShutdown) }

func testShutdown(t *testing.T, w way) {
	r := newRig(t, Options{})
	overloaded := "retry: R\nevent: overloaded\ndata: {\"type\":\"overloaded\"}\n\n"
	srv := r.serve(t, w)
	var clients []*client
	for range 5 {
		clients = append(clients, open(t, srv.URL+"/sse"))
	}
	id := r.publish(t, notify.Notification{Type: "last"}, notify.ToAll())
	if err := r.Handler.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range clients {
		if e := c.want("last"); e.id != id {
			t.Errorf("%+v", e)
		}
		c.wantEnd()
		if n := len(c.retry); n != 4 {
			t.Errorf("retry %q, want 1 to 5 s as at the start", c.retry)
		}
	}
	body, _ := io.ReadAll(get(t, t.Context(), http.DefaultClient, srv.URL+"/sse").Body)
	if got := blur(string(body)); got != overloaded {
		t.Errorf("after it: %q", got)
	}
	if err := r.Handler.Shutdown(t.Context()); err != nil || r.Len() != 0 {
		t.Error(err)
	}
}

// The time over which a shutdown spreads the ends of the streams grows with their number, within
// the deadline.
func TestShutdownSpreads(t *testing.T) {
	for _, c := range []struct {
		streams   int
		limit     time.Duration // 0: none
		from, to_ time.Duration
	}{
		{0, 0, 0, 0},
		{1, 0, 0, 0},
		{10, time.Hour, 0, 10 * time.Millisecond},
		{500, time.Hour, 450 * time.Millisecond, 510 * time.Millisecond},
		{500, 100 * time.Millisecond, 60 * time.Millisecond, 90 * time.Millisecond},
	} {
		bubble(t, Options{Sync: -1}, func(t *testing.T, r *rig) {
			var stops []func()
			for range c.streams {
				_, stop := r.start("/sse")
				stops = append(stops, stop)
			}
			synctest.Wait()
			ctx, cancel := context.WithCancel(context.Background())
			if c.limit > 0 {
				ctx, cancel = context.WithTimeout(context.Background(), c.limit)
			}
			defer cancel()
			begin := time.Now()
			if err := r.Handler.Shutdown(ctx); err != nil {
				t.Errorf("%d streams: %v", c.streams, err)
			}
			if took := time.Since(begin); took < c.from || took > c.to_ {
				t.Errorf("%d streams took %s, want %s to %s", c.streams, took, c.from, c.to_)
			}
			for _, stop := range stops {
				stop()
			}
		})
	}
}

// A shutdown does not wait after its deadline for a stream that cannot end.
func TestShutdownTimeout(t *testing.T) {
	r := newRig(t, Options{})
	pr, pw := io.Pipe()
	_, stop := r.start("/sse", pw) // blocks in its first write
	for r.Len() == 0 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := r.Handler.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	_ = pr.Close()
	stop()
}

// A shutdown cuts a connection whose client reads no more bytes.
func TestShutdownCuts(t *testing.T) {
	eachTransport(t, time.Hour, func(t *testing.T, r *rig, srv *httptest.Server) {
		var deaf atomic.Bool
		openWith(t, dialing(t, srv, &deaf), srv.URL+"/sse?channels=c")
		deaf.Store(true)
		if !r.hub.Members()[0].Owner().(*stream).taken.Load() {
			t.Skip("net/http owns the connection")
		}
		// More than the buffers of both sides hold.
		r.emit(t, &notify.Message{Rooms: []string{"c"}, Type: "t",
			Data: raw(`"` + strings.Repeat("x", 4<<20) + `"`)})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := r.Handler.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		r.awaitGone(t, 1)
		<-r.empty
	})
}

// Over HTTP/2 a deadline ends a stream even while nothing is written, so the stream must lift it
// after each write.
func TestIdleStreamOutlivesWriteTimeout(t *testing.T) {
	r := newRig(t, Options{WriteTimeout: 500 * time.Millisecond})
	overHTTP(t, r, func(t *testing.T, srv *httptest.Server, hc *http.Client) {
		c := openWith(t, hc, srv.URL+"/sse")
		time.Sleep(600 * time.Millisecond) // real connections need real time
		r.publish(t, notify.Notification{Type: "t"}, notify.ToAll())
		c.want("t")
	})
}

// A burst that arrives after the last pull of a drained stream makes its member lag. The stream
// stays in the Hub until it has pulled the burst: the messages are in the index only.
func TestDrainedStreamPullsABurst(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	member, err := r.hub.Attach(notify.Attachment{ClientID: "c", Namespace: notify.RootNamespace})
	if err != nil {
		t.Fatal(err)
	}
	s := newStream(r.Handler, auth.Identity{}, names{}, nil)
	s.member = member
	s.expires.Store(never)
	for range 100 {
		r.publish(t, notify.Notification{Type: "late"}, notify.ToAll())
	}
	if next := s.leave(false); !next.more || s.left {
		t.Fatalf("%+v, left %t", next, s.left)
	}
	s.how.Store(&ending{reason: reasonStop, drained: true})
	var wire strings.Builder
	b, last := newBatch(), false
	for !last {
		last = s.fill(b, r.Handler.now()).last
		for _, p := range b.events() {
			wire.Write(p)
		}
		b.next()
	}
	if got := strings.Count(wire.String(), "event: late\n"); got != 100 || !s.left {
		t.Errorf("%d events, left %t", got, s.left)
	}
}

// An observer of the Hub reads why a stream ended.
func TestEndReason(t *testing.T) { bothWays(t, testEndReason) }

func testEndReason(t *testing.T, w way) {
	for want, end := range map[string]func(r *rig, c *client){
		"transport close":             func(_ *rig, c *client) { c.end() },
		"server namespace disconnect": func(r *rig, _ *client) { r.hub.Members()[0].Disconnect("revoked") },
		"server shutting down":        func(r *rig, _ *client) { _ = r.Handler.Shutdown(t.Context()) },
		"forced close": func(r *rig, _ *client) {
			r.Handler.Sweep(time.Now().Add(time.Hour), time.Minute)
		},
	} {
		r := newRig(t, Options{})
		reasons := make(chan string, 1)
		r.hub.OnDetach(func(m *notify.Member) {
			reasons <- m.Owner().(interface{ EndReason() string }).EndReason()
		})
		srv := r.serve(t, w)
		end(r, open(t, srv.URL+"/sse"))
		if got := <-reasons; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
