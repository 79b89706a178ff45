package sse

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	faults "github.com/roomcast/roomcast/server/servertest/client"
)

func TestMain(m *testing.M) {
	faults.Main()
	if os.Getenv(idleEnv) != "" {
		os.Exit(idleClients())
	}
	goleak.VerifyTestMain(m)
}

const testSecret = "0123456789abcdef0123456789abcdef"

// rig is a Handler with its own Hub.
type rig struct {
	*Handler
	hub  *notify.Hub
	gone chan struct{} // one for each detached member
	way  way           // of start
}

// newRig returns a rig in open mode, or with the authenticator of o. By default it sends no
// heartbeats, and clients may request 64 channels.
func newRig(t testing.TB, o Options) *rig {
	t.Helper()
	return newRigKeeping(t, 0, o)
}

// newRigKeeping returns a rig whose Hub keeps history messages for each room (0: the default).
func newRigKeeping(t testing.TB, history int, o Options) *rig {
	t.Helper()
	options := notify.DefaultOptions()
	options.HistorySize, options.HistoryMinAge = cmp.Or(history, options.HistorySize), 0
	hub := notify.New(notify.NewMemoryLog(), options)
	t.Cleanup(hub.Close)
	r := &rig{hub: hub, gone: make(chan struct{}, 1000)}
	hub.OnDetach(func(*notify.Member) { r.gone <- struct{}{} })
	o.Hub = hub
	if o.Auth == nil {
		o.Auth = newAuth(t, auth.Options{})
	}
	d := DefaultOptions()
	o.Sync, o.WriteTimeout = cmp.Or(o.Sync, d.Sync), cmp.Or(o.WriteTimeout, d.WriteTimeout)
	o.As, o.MaxRooms = cmp.Or(o.As, d.As), cmp.Or(o.MaxRooms, d.MaxRooms)
	r.Handler = must(t, o)
	return r
}

func must(t testing.TB, o Options) *Handler {
	t.Helper()
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func newAuth(t testing.TB, o auth.Options) *auth.Authenticator {
	t.Helper()
	a, err := auth.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func sign(t testing.TB, claims jwt.MapClaims) string {
	t.Helper()
	if claims["exp"] == nil {
		claims["exp"] = time.Now().Add(time.Hour).Unix()
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(testSecret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// routes are all routes of streams, as the server mounts them.
func (r *rig) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/sse", r.Stream(""))
	mux.Handle("/api/sse", r.Stream("message"))
	mux.Handle("/sse/position", r.Position())
	mux.Handle("/sse/tickets", r.Tickets())
	mux.Handle("/sse/{clientId}/channels", r.Channels())
	mux.Handle("/sse/{clientId}/messages", r.Messages())
	mux.Handle("/sse/{clientId}/token", r.Token())
	return mux
}

// serve starts a real server.
func (r *rig) serve(t testing.TB, w way) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(w.of(r.routes()))
	t.Cleanup(srv.Close)
	return srv
}

func (r *rig) publish(t testing.TB, n notify.Notification, to notify.Target) string {
	t.Helper()
	receipt, err := r.hub.Publish(context.Background(), n, to)
	if err != nil {
		t.Fatal(err)
	}
	return receipt.ID
}

func (r *rig) emit(t testing.TB, m *notify.Message) {
	t.Helper()
	if _, err := r.hub.Deliver(context.Background(), m); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) disconnect(clientID, reason string) { r.hub.Member("/", clientID).Disconnect(reason) }

func (r *rig) awaitGone(t testing.TB, n int) {
	t.Helper()
	for range n {
		select {
		case <-r.gone:
		case <-time.After(30 * time.Second):
			t.Fatal("the member is still there")
		}
	}
}

// client reads a stream event by event.
type client struct {
	t    testing.TB
	resp *http.Response
	*parser
	hello connected // the first event
	end   context.CancelFunc
}

// open connects and reads `connected`. headers are pairs.
func open(t testing.TB, url string, headers ...string) *client {
	t.Helper()
	return openWith(t, http.DefaultClient, url, headers...)
}

func openWith(t testing.TB, hc *http.Client, url string, headers ...string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	resp := get(t, ctx, hc, url, headers...)
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("%s: %s %s", url, resp.Status, body)
	}
	c := &client{t: t, resp: resp, parser: newParser(resp.Body), end: cancel}
	e := c.want("")
	if err := json.Unmarshal([]byte(e.data), &c.hello); err != nil || c.hello.Type != "connected" {
		t.Fatalf("first event %+v: %v", e, err)
	}
	return c
}

func get(
	t testing.TB, ctx context.Context, hc *http.Client, url string, headers ...string,
) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := hc.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// want reads the next event, which must have the name ("" is any).
func (c *client) want(name string) event {
	c.t.Helper()
	e, err := c.next()
	if err != nil {
		c.t.Fatalf("waiting for %q: %v", name, err)
	}
	if name != "" && e.name != name {
		c.t.Fatalf("got %+v, want %q", e, name)
	}
	return e
}

// wantEnd fails unless the stream has ended.
func (c *client) wantEnd() {
	c.t.Helper()
	if e, err := c.next(); err != io.EOF {
		c.t.Fatalf("got %+v, %v, want the end", e, err)
	}
}

// blur replaces the values that differ between runs.
func blur(s string) string {
	for _, p := range [][2]string{
		{`retry: [1-5]\d{3}\n`, "retry: R\n"},
		{`"(clientId|socketId)":"[A-Za-z0-9]{20}"`, `"$1":"CLIENT"`},
		{`"secret":"[A-Za-z0-9_-]{22}"`, `"secret":"SECRET"`},
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`, "TIME"},
		{`\b[0-9a-f]{8}-(\d+)`, "E-$1"},
	} {
		s = regexp.MustCompile(p[0]).ReplaceAllString(s, p[1])
	}
	return s
}

func lines(s ...string) string { return strings.Join(s, "\n") }
