package sse

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/sockets"
)

// This test checks every byte of a stream, from the headers to the end.
func TestStreamBytes(t *testing.T) {
	r := newRig(t, Options{DefaultChannels: []string{"general"}})
	overHTTP(t, r, func(t *testing.T, srv *httptest.Server, hc *http.Client) {
		first := int(r.hub.Head().Seq)
		resp := get(t, t.Context(), hc, srv.URL+
			"/sse?userId=u1&username=Ann&channels=orders,user:u2,orders")
		for name, want := range map[string]string{
			"Content-Type": "text/event-stream", "Cache-Control": "no-store, no-transform",
			"X-Accel-Buffering": "no",
			"Connection":        "", "Content-Length": "", "Content-Encoding": "", "ETag": "",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		hello := make([]byte, len(`retry: R...`))
		if _, err := io.ReadFull(resp.Body, hello); err != nil {
			t.Fatal(err)
		}
		member := r.hub.Members()[0]
		r.publish(t, notify.Notification{Type: "a", Data: raw(`{"n":1}`)}, notify.ToUser("u1"))
		r.publish(t, notify.Notification{Type: "b"}, notify.ToChannel("orders"))
		r.publish(t, notify.Notification{Type: "secret"}, notify.ToUser("u2"))
		r.publish(t, notify.Notification{Type: "c", Data: raw("[\n1]")},
			notify.ToChannels("general", "orders"))
		r.publish(t, notify.Notification{Type: "d", Volatile: true}, notify.ToAll())
		r.publish(t, notify.Notification{Type: "e", Except: []string{member.ClientID()}},
			notify.ToAll())
		r.emit(t, &notify.Message{Rooms: []string{"orders"}, Type: "chat",
			Args: raw(`["hi",{"b":"AAE="}]`)})
		r.publish(t, notify.Notification{Type: "f"}, notify.ToClient(member.ClientID()))
		member.Disconnect("logged out")
		rest, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		id := func(n int) string { return fmt.Sprintf("E-%d", first+n) }
		want := lines(
			`retry: R`,
			`id: `+id(0),
			`event: connected`,
			`data: {"type":"connected","clientId":"CLIENT","socketId":"CLIENT","userId":"u1",`+
				`"username":"Ann","timestamp":"TIME","totalConnections":1,"recovered":false,`+
				`"transport":"sse","secret":"SECRET","denied":["user:u2"]}`,
			``,
			`id: `+id(1),
			`event: a`,
			`data: {"id":"`+id(1)+`","type":"a","data":{"n":1},"timestamp":"TIME"}`,
			``,
			`id: `+id(2),
			`event: b`,
			`data: {"id":"`+id(2)+
				`","type":"b","data":null,"timestamp":"TIME","metadata":{"channel":"orders"}}`,
			``,
			`id: `+id(4),
			`event: c`,
			`data: {"id":"`+id(4)+`","type":"c","data":[1],`+
				`"timestamp":"TIME","metadata":{"channels":["general","orders"]}}`,
			``,
			`id: `+id(4),
			`event: d`,
			`data: {"type":"d","data":null,"timestamp":"TIME"}`,
			``,
			`id: `+id(6),
			`event: chat`,
			`data: ["hi",{"b":"AAE="}]`,
			``,
			`id: `+id(7),
			`event: f`,
			`data: {"id":"`+id(7)+`","type":"f","data":null,"timestamp":"TIME"}`,
			``,
			`retry: 86400000`,
			`event: disconnected`,
			`data: {"type":"disconnected","reason":"logged out"}`,
			``,
			``)
		if got := blur(string(hello) + string(rest)); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		r.awaitGone(t, 1)
	})
}

// Some requests get no stream.
func TestRefusals(t *testing.T) {
	r := newRig(t, Options{})
	srv := r.serve(t, taken)
	for _, c := range []struct {
		method, target string
		status         int
		body, allow    string
	}{
		{"POST", "/sse", 405,
			`{"type":"about:blank","title":"Method Not Allowed","status":405,"detail":"this ` +
				`method is not allowed here","code":"method_not_allowed"}`, "GET, HEAD"},
		{"GET", "/sse?as=a,b", 400,
			`{"type":"about:blank","title":"Bad Request","status":400,"detail":"as: 2 names, ` +
				`expected one: an event has one name","code":"validation"}`, ""},
		{"GET", "/sse?as=a&as=b", 400,
			`{"type":"about:blank","title":"Bad Request","status":400,"detail":"as: 2 names, ` +
				`expected one: an event has one name","code":"validation"}`, ""},
	} {
		req, _ := http.NewRequest(c.method, srv.URL+c.target, nil)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != c.status || string(body) != c.body+"\n" ||
			resp.Header.Get("Allow") != c.allow ||
			resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %d %v %s", c.method, c.target, resp.StatusCode, resp.Header, body)
		}
	}
	// Names that would end their field, and event names of EventSource and Roomcast.
	for _, as := range []string{
		"a%0Ab", "a%0Db", "a%00", "a%E2%80%A8b", "%FF", "%EF%BB%BFa",
		"open", "error", "connected", "gap", "auth:expired", strings.Repeat("x", 129),
	} {
		resp := get(t, t.Context(), http.DefaultClient, srv.URL+"/sse?as="+as)
		if resp.StatusCode != 400 {
			t.Errorf("as=%s: %s", as, resp.Status)
		}
	}
	if n := r.Len(); n != 0 {
		t.Errorf("%d streams", n)
	}
}

func TestHead(t *testing.T) {
	r := newRig(t, Options{})
	overHTTP(t, r, func(t *testing.T, srv *httptest.Server, hc *http.Client) {
		resp, err := hc.Head(srv.URL + "/sse")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || len(body) > 0 || resp.StatusCode != 200 ||
			resp.Header.Get("Content-Type") != "text/event-stream" ||
			resp.Header.Get("Cache-Control") != "no-store, no-transform" {
			t.Errorf("%s %v %q %v", resp.Status, resp.Header, body, err)
		}
		if n := r.hub.Total(); n != 0 {
			t.Errorf("%d members", n)
		}
	})
}

// After a client has disconnected, the Hub has no member for it.
func TestClientDisconnect(t *testing.T) {
	r := newRig(t, Options{})
	overHTTP(t, r, func(t *testing.T, srv *httptest.Server, hc *http.Client) {
		for range 20 {
			c := openWith(t, hc, srv.URL+"/sse?userId=u1")
			c.end()
		}
		r.awaitGone(t, 20)
		if r.hub.Total() != 0 || r.hub.UserOnline("u1") {
			t.Error("members are left")
		}
	})
}

// A replay is written in few large writes: at most maxBatch bytes each, and an event that is larger
// in parts of that size.
func TestBatches(t *testing.T) {
	r := newRig(t, Options{})
	for range 200 {
		r.publish(t, notify.Notification{Type: "small"}, notify.ToChannel("c"))
	}
	replay := func() (names map[string]int, writes int) {
		t.Helper()
		pr, pw := io.Pipe()
		rec, stop := r.start("/sse?since=0&channels=c", pw)
		c := &client{t: t, parser: newParser(pr)}
		names = map[string]int{}
		for e := c.want("connected"); e.name != "recovery"; e = c.want("") {
			names[e.name]++
		}
		stop()
		return names, rec.writes
	}
	if names, writes := replay(); names["small"] != 200 || writes > 4 {
		t.Errorf("%v in %d writes", names, writes)
	}
	for range 10 {
		r.publish(t, notify.Notification{Type: "huge",
			Data: raw(`"` + strings.Repeat("x", 200<<10) + `"`)}, notify.ToChannel("c"))
	}
	const parts = 200<<10/sockets.WritePart + 1
	if names, writes := replay(); names["small"] != 200 || names["huge"] != 10 ||
		writes > 10*parts+5 {
		t.Errorf("%v in %d writes", names, writes)
	}
}

// A stream releases its admission when it has ended.
func TestAdmitReleases(t *testing.T) { bothWays(t, testAdmitReleases) }

func testAdmitReleases(t *testing.T, w way) {
	released := make(chan struct{}, 1)
	r := newRig(t, Options{Admit: func(*http.Request, auth.Identity) (func(), error) {
		return func() { released <- struct{}{} }, nil
	}})
	srv := r.serve(t, w)
	ctx, cancel := context.WithCancel(t.Context())
	resp := get(t, ctx, srv.Client(), srv.URL+"/sse")
	if resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}
	cancel()
	<-released
	if r.Len() != 0 {
		t.Error("released before the stream ended")
	}
}
