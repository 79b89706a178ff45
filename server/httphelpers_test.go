package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

const testKey = "a-key-of-at-least-32-random-bytes-0001"

// serveHTTP serves handler as the program does and returns host:port.
func serveHTTP(t testing.TB, handler http.Handler) string {
	t.Helper()
	l, err := listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newHTTPServer(handler, zap.NewNop())
	var open sync.WaitGroup // connections: after a refused body one lingers for half a second
	s.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Done()
		}
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
		open.Wait()
	})
	return l.Addr().String()
}

// testClient opens a connection per request, so that none outlives its test.
func testClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		Timeout:   20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// do sends a request; headers are "Name: value" lines.
func do(t testing.TB, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return doRequest(t, r, headers...)
}

func doRequest(t testing.TB, r *http.Request, headers ...string) (*http.Response, string) {
	t.Helper()
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	res, err := testClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

// raw writes bytes to a new connection and reads all that comes back.
func raw(t testing.TB, address, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(c) // a reset after the answer is fine
	return string(answer)
}

func newTestHub(t testing.TB) *notify.Hub { return hubWith(t, func(*notify.Options) {}) }

// hubWith returns a hub with the default options changed.
func hubWith(t testing.TB, change func(*notify.Options)) *notify.Hub {
	options := notify.DefaultOptions()
	change(&options)
	hub := notify.New(notify.NewMemoryLog(), options)
	t.Cleanup(hub.Close)
	return hub
}

// attach makes a member that is never read, which is what a lagging one is.
func attach(t testing.TB, hub *notify.Hub, clientID, userID string, channels ...string) *notify.Member {
	t.Helper()
	m, err := hub.Attach(notify.Attachment{ClientID: clientID, UserID: userID, Username: userID, Namespace: "/",
		Transport: "sse", Rooms: channels, Wake: func() {}, Disconnect: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Detach)
	return m
}

// testAPI are the options that tests serve the API with.
func testAPI(hub *notify.Hub, keys ...string) apiOptions {
	return apiOptions{Hub: hub, Keys: keys, Tickets: auth.NewTickets(nil), Connection: (&Service{}).connection, Mode: auth.ModeOpen}
}

// serveAPI serves the API on the hub the way the program does and returns the
// base URL.
func serveAPI(t testing.TB, hub *notify.Hub) string {
	t.Helper()
	return "http://" + serveHTTP(t, withRequestInfo(nil, newAPI(testAPI(hub, testKey))))
}

func publishTo(t testing.TB, base, body string) (*http.Response, string) {
	t.Helper()
	return do(t, "POST", base+"/v1/notifications", body,
		"Authorization: Bearer "+testKey, "Content-Type: application/json", "X-Request-ID: req-1")
}

// downLog is a log whose store is away.
type downLog struct{ notify.Log }

func (downLog) Append(context.Context, []*notify.Message) error {
	return errors.Join(errors.New("dial tcp 10.0.0.7:6379: connection refused"), notify.ErrUnavailable)
}

func problemJSON(t testing.TB, status int, code, detail, field string) string {
	t.Helper()
	p := map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status,
		"detail": detail, "code": code, "request_id": "req-1"}
	if field != "" {
		p["field"] = field
	}
	return canonical(t, p)
}

// canonical is v as JSON with sorted keys, to compare what must be equal but
// for the order of keys.
func canonical(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func sorted(t testing.TB, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("not JSON: %q", text)
	}
	return canonical(t, v)
}
