package server

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// The application gets method, path, query, body and Origin of the client unchanged.
func TestUpstreamForwards(t *testing.T) {
	t.Parallel()
	address, _ := serveUpstream(t, application(t))
	r, _ := http.NewRequest("PATCH", "http://"+address+"/a//b%2Fc?x=1;y",
		strings.NewReader("a body"))
	r.Host = "app.example"
	r.Header.Set("Origin", "https://elsewhere.example")
	r.Header.Set("Cookie", "session=1")
	r.Header.Set("X-Forwarded-For", "6.6.6.6")
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Header.Set(edge.HeaderRequestID, "trace-1")
	res, got := askApplication(t, r)
	if res.StatusCode != http.StatusTeapot || res.Header.Get("X-Seen") != "PATCH /a//b%2Fc?x=1;y" ||
		got.Host != "app.example" || got.Body != "a body" {
		t.Errorf("%d %v %+v", res.StatusCode, res.Header, got)
	}
	if ids := res.Header.Values(edge.HeaderRequestID); len(ids) != 1 || ids[0] != "trace-1" {
		t.Errorf("request ids %q", ids)
	}
	for name, want := range map[string]string{
		"Origin": "https://elsewhere.example", "Cookie": "session=1",
		"X-Forwarded-For":   "127.0.0.1",
		"X-Forwarded-Proto": "http", "X-Forwarded-Host": "app.example",
		edge.HeaderRequestID: "trace-1",
	} {
		if values := got.Header.Values(name); len(values) != 1 || values[0] != want {
			t.Errorf("%s: %q, want %q", name, values, want)
		}
	}
}

// The application gets X-Forwarded-* of a trusted proxy.
func TestUpstreamBehindTrustedProxy(t *testing.T) {
	t.Parallel()
	address, _ := serveUpstream(t, application(t), netip.MustParsePrefix("127.0.0.0/8"))
	r, _ := http.NewRequest("GET", "http://"+address+"/", nil)
	r.Header.Set("X-Forwarded-For", "6.6.6.6")
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Header.Set("X-Forwarded-Host", "public.example")
	_, got := askApplication(t, r)
	for name, want := range map[string]string{
		"X-Forwarded-For": "6.6.6.6, 127.0.0.1", "X-Forwarded-Proto": "https",
		"X-Forwarded-Host": "public.example",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}
}

// The server serves its own paths, also for a method that they do not have.
func TestUpstreamKeepsOwnRoutes(t *testing.T) {
	t.Parallel()
	address, _ := serveUpstream(t, application(t))
	for method, want := range map[string]int{"GET": 200, "POST": 405} {
		r, _ := http.NewRequest(method, "http://"+address+"/own", nil)
		res, err := servertest.HTTPClient().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %d", method, res.StatusCode)
		}
	}
	r, _ := http.NewRequest("GET", "http://"+address+"/own", nil)
	r.Header.Set("Origin", "https://elsewhere.example")
	res, err := servertest.HTTPClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a request of another origin got %d", res.StatusCode)
	}
}

// Upgrades and streams reach the application, and close ends them.
func TestUpstreamUpgradesAndStreams(t *testing.T) {
	t.Parallel()
	address, u := serveUpstream(t, application(t))
	c, _, err := websocket.DefaultDialer.Dial("ws://"+address+"/ws",
		http.Header{"Origin": {"https://app.example"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(servertest.Patience))
	if err := c.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, data, err := c.ReadMessage(); err != nil || string(data) != "hello" {
		t.Fatalf("%q %v", data, err)
	}
	res, err := servertest.HTTPClient().Get("http://" + address + "/feed")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	first := make([]byte, len("data: first\n\n"))
	if _, err := io.ReadFull(res.Body, first); err != nil {
		t.Fatal(err)
	}
	u.close()
	if _, _, err := c.ReadMessage(); err == nil || isTimeout(err) {
		t.Errorf("the websocket is open after close: %v", err)
	}
	if _, err := res.Body.Read(first); err == nil {
		t.Error("the stream is open after close")
	}
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}

// When the application is unreachable, or is this server, the client gets a problem document
// without the address of the application.
func TestUpstreamFailures(t *testing.T) {
	t.Parallel()
	nobody := &url.URL{Scheme: "http", Host: "127.0.0.1:1"} // a port on which no program listens
	address, u := serveUpstream(t, nobody)
	loop := "1.1 " + u.via
	for via, want := range map[string]edge.Problem{
		"":   {Status: 502, Code: codeBadGateway},
		loop: {Status: 508, Code: codeLoop},
	} {
		r, _ := http.NewRequest("GET", "http://"+address+"/", nil)
		r.Header.Set("Via", via)
		res, err := servertest.HTTPClient().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		var got edge.Problem
		if err := json.Unmarshal(body, &got); err != nil || got.Status != want.Status ||
			got.Code != want.Code || res.StatusCode != want.Status ||
			res.Header.Get("Content-Type") != edge.ProblemContentType ||
			strings.Contains(string(body), nobody.Host) {
			t.Errorf("%d %s %v", res.StatusCode, body, err)
		}
	}
}

// A drain ends the streams of the application one after the other, and new ones at once.
func TestUpstreamDrain(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	application := servertest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}))
	defer close(release)
	address, u := serveUpstream(t, &url.URL{Scheme: "http", Host: application})
	open := func() *http.Response {
		t.Helper()
		res, err := servertest.HTTPClient().Get("http://" + address + "/events")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}
	const n = 5
	ends := make(chan time.Time, n)
	for range n {
		res := open()
		go func() {
			_, _ = io.Copy(io.Discard, res.Body)
			ends <- time.Now()
		}()
	}
	const span = 500 * time.Millisecond
	u.drain(t.Context(), func(connections int) time.Duration {
		if connections != n {
			t.Errorf("%d streams, want %d", connections, n)
		}
		return span
	})
	first := servertest.Receive(t, ends)
	var last time.Time
	for range n - 1 {
		last = servertest.Receive(t, ends)
	}
	if took := last.Sub(first); took < span/2 {
		t.Errorf("the streams ended within %v", took)
	}
	if res, err := servertest.HTTPClient().Get("http://" + address + "/events"); err == nil {
		_, _ = io.Copy(io.Discard, res.Body) // ends at once
		_ = res.Body.Close()
	}
}
