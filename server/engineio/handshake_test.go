package engineio

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestHandshakePolling(t *testing.T) {
	f := serve(t, Options{
		PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond, MaxPayload: 1e6,
	})
	a := f.get("&transport=polling")
	p := f.peer()
	want := `0{"sid":"` + p.ID() + `","upgrades":["websocket"],` +
		`"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}`
	f.expect(a, 200, want)
	for name, value := range map[string]string{
		"Content-Type": "text/plain; charset=UTF-8", "Cache-Control": "no-store",
		"X-Content-Type-Options": "nosniff",
	} {
		if got := a.header.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	if p.Transport() != Polling || p.ReadyState() != "open" || f.s.Len() != 1 {
		t.Errorf("transport %s, %s, %d sessions", p.Transport(), p.ReadyState(), f.s.Len())
	}
}

func TestHandshakeWebSocket(t *testing.T) {
	f := serve(t, Options{})
	ws := f.dial("")
	open := ws.next()
	p := f.peer()
	want := `0{"sid":"` + p.ID() + `","upgrades":[],` +
		`"pingInterval":25000,"pingTimeout":60000,"maxPayload":1000000}`
	if open != want {
		t.Errorf("got %s, want %s", open, want)
	}
	if p.Transport() != WebSocket {
		t.Errorf("transport %s", p.Transport())
	}
}

func TestHandshakeOffersEnabledUpgradesOnly(t *testing.T) {
	f := serve(t, Options{Transports: []string{Polling}})
	if a := f.get("&transport=polling"); !strings.Contains(a.body, `"upgrades":[]`) {
		t.Errorf("got %q", a.body)
	}
	f.expect(f.get("&transport=websocket"), 400, `{"code":0,"message":"Transport unknown"}`)
}

func TestRefusals(t *testing.T) {
	f := serve(t, Options{})
	sid, _ := f.open()
	upgrade := []string{
		"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13",
		"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==",
	}
	const (
		transport = `{"code":0,"message":"Transport unknown"}`
		session   = `{"code":1,"message":"Session ID unknown"}`
		method    = `{"code":2,"message":"Bad handshake method"}`
		request   = `{"code":3,"message":"Bad request"}`
		protocol  = `{"code":5,"message":"Unsupported protocol version"}`
	)
	for _, c := range []struct {
		name, method, query, body string
		header                    []string
	}{
		{"no transport", "GET", "", transport, nil},
		{"unknown transport", "GET", "&transport=abc", transport, nil},
		{"webtransport", "GET", "&transport=webtransport", transport, nil},
		{"unknown sid", "GET", "&transport=polling&sid=zzz", session, nil},
		{"unknown sid, POST", "POST", "&transport=polling&sid=zzz", session, nil},
		{"unknown sid, websocket", "GET", "&transport=websocket&sid=zzz", session, upgrade},
		{"POST handshake", "POST", "&transport=polling", method, nil},
		{"PUT handshake", "PUT", "&transport=polling", method, nil},
		{"DELETE handshake", "DELETE", "&transport=polling", method, nil},
		{"PUT", "PUT", sid, request, nil},
		{"DELETE", "DELETE", sid, request, nil},
		{"websocket without upgrade", "GET", "&transport=websocket", request, nil},
		{"1,024 parameters", "GET", "&transport=polling&sid=zzz" + strings.Repeat("&x", 1021), session, nil},
		{"1,025 parameters", "GET", "&transport=polling" + strings.Repeat("&x", 1023),
			`{"code":3,"message":"Bad request: expected at most 1024 parameters in the query"}`, nil},
		{"upgrade to polling", "GET", "&transport=polling", request, upgrade},
		{"upgrade without key", "GET", "&transport=websocket", request, upgrade[:6]},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := f.do(c.method, c.query, nil, c.header...)
			if a.status != 400 || a.body != c.body ||
				a.header.Get("Content-Type") != "application/json" {
				t.Errorf("got %d %s (%s), want 400 %s", a.status, a.body,
					a.header.Get("Content-Type"), c.body)
			}
		})
	}
	url := f.url
	for _, eio := range []string{"", "?EIO=3", "?EIO=abc", "?EIO=5", "?EIO=44"} {
		f.url = strings.Replace(url, "?EIO=4", eio, 1)
		sep := "&"
		if eio == "" {
			sep = "?"
		}
		f.expect(f.get(sep+"transport=polling"), 400, protocol)
		f.expect(f.get(sep+sid[1:]), 400, protocol) // also within a session
		f.expect(f.do("GET", sep+"transport=websocket", nil, upgrade...), 400, protocol)
	}
	f.url = url
	if a := f.do("HEAD", "&transport=polling", nil); a.status != 400 || a.body != "" {
		t.Errorf("HEAD: %d %q", a.status, a.body)
	}
	if a := f.do("HEAD", sid, nil); a.status != 400 {
		t.Errorf("HEAD: %d", a.status)
	}
	f.expect(f.do("OPTIONS", "&transport=polling", nil), 204, "")
	if n := f.s.Len(); n != 1 {
		t.Errorf("%d sessions, want the one", n)
	}
}

type tooMany struct{ error }

func (tooMany) HTTPStatus() int           { return 429 }
func (tooMany) RetryAfter() time.Duration { return 1500 * time.Millisecond }

// A refused handshake gets an HTTP status on both transports, and leaves nothing.
func TestAcceptRefuses(t *testing.T) {
	var verdict error
	f := serve(t, Options{Accept: func(*Session) (Handler, error) { return nil, verdict }})
	for _, c := range []struct {
		verdict     error
		status      int
		body, retry string
	}{
		{errors.New("the secret reason"), 403, `{"code":4,"message":"Forbidden"}`, ""},
		// whole seconds, rounded up
		{tooMany{errors.New("Too many connections")}, 429,
			`{"code":4,"message":"Too many connections"}`, "2"},
	} {
		verdict = c.verdict
		a := f.get("&transport=polling")
		f.expect(a, c.status, c.body)
		_, res, err := websocket.DefaultDialer.Dial("ws"+f.url[4:]+"&transport=websocket", nil)
		if err == nil || res.StatusCode != c.status {
			t.Errorf("websocket: %v %v, want %d", err, res, c.status)
		}
		// A client that may come back later holds no connection meanwhile.
		for _, proto := range []int{1, 2} {
			w := httptest.NewRecorder()
			r := httptest.NewRequest("GET", "/engine.io/?EIO=4&transport=polling", nil)
			r.ProtoMajor = proto
			f.s.ServeHTTP(w, r)
			want := c.retry != "" && proto == 1
			if got := w.Header().Get("Connection"); (got == "close") != want {
				t.Errorf("HTTP/%d, status %d: Connection %q", proto, c.status, got)
			}
		}
		for _, h := range []http.Header{a.header, res.Header} {
			if got := h.Get("Retry-After"); got != c.retry {
				t.Errorf("Retry-After %q, want %q", got, c.retry)
			}
		}
	}
	eventually(t, "no session is left", func() bool {
		return f.s.Len() == 0 && len(f.s.snapshot()) == 0
	})
}

// failing is a ResponseWriter whose connection cannot be taken over.
type failing struct {
	http.ResponseWriter
	hijack func() error
}

func (f failing) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, f.hijack() }

// A session that was accepted and could not open ends, so that the handler frees what it holds.
func TestHandshakeThatFailsEndsTheSession(t *testing.T) {
	for name, hijack := range map[string]func() error{
		"error": func() error { return errors.New("no") }, "panic": func() error { panic("no") },
	} {
		closed := make(chan string, 1)
		f := serve(t, Options{Accept: func(s *Session) (Handler, error) {
			return &peer{Session: s, closed: closed}, nil
		}})
		r := newRequest("GET", "/?EIO=4&transport=websocket", "")
		for key, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket",
			"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="} {
			r.Header.Set(key, value)
		}
		func() {
			defer func() { _ = recover() }()
			f.s.ServeHTTP(failing{httptest.NewRecorder(), hijack}, r)
		}()
		select {
		case reason := <-closed:
			if reason != ReasonTransportError || f.s.Len() != 0 {
				t.Errorf("%s: closed by %q, %d sessions are left", name, reason, f.s.Len())
			}
		case <-time.After(patience):
			t.Errorf("%s: the session has not ended", name)
		}
	}
}

// A session that ends between Accept and the answer gets no OPEN packet.
func TestSessionThatEndsDuringItsHandshake(t *testing.T) {
	f := serve(t, Options{Accept: func(s *Session) (Handler, error) {
		s.Abort(ReasonForcedClose)
		return &peer{Session: s, closed: make(chan string, 1)}, nil
	}})
	for range 20 { // Shutdown, when the test ends, waits for each once
		f.dial("").expectClose(closePolicy)
	}
}

func TestAcceptMayUseTheSession(t *testing.T) {
	done := make(chan string, 1)
	f := serve(t, Options{Accept: func(s *Session) (Handler, error) {
		if err := s.Send([]byte("hello"), false); err != nil {
			t.Error(err)
		}
		s.Close("enough")
		return &peer{Session: s, closed: done}, nil
	}})
	ws := f.dial("")
	if open := ws.next(); open[0] != '0' {
		t.Errorf("first packet %q", open)
	}
	ws.expect("4hello")
	ws.expectClose(closeNormal)
	if reason := <-done; reason != "enough" {
		t.Errorf("closed by %q", reason)
	}
}

func TestLargeHeadersAreRefused(t *testing.T) {
	f := serve(t, Options{})
	a := f.do("GET", "&transport=polling", nil, "X-Large", strings.Repeat("x", maxHeaders))
	f.expect(a, 431, `{"code":3,"message":"Bad request"}`)
}

func TestRequestIsTrimmed(t *testing.T) {
	type key struct{}
	var s *Session
	srv := New(Options{Accept: func(session *Session) (Handler, error) {
		s = session
		return &peer{Session: session, closed: make(chan string, 1)}, nil
	}})
	f := serve(t, Options{})
	f.s.o.Accept = srv.o.Accept
	a := f.do("GET", "&transport=polling&userId=u1", nil, "Cookie", "a=b", "Authorization",
		"Bearer x", "Sec-Fetch-Mode", "cors", "Accept", "*/*", "X-Extra", "1")
	if a.status != 200 {
		t.Fatal(a)
	}
	r := s.Request()
	if r.URL.Query().Get("userId") != "u1" || r.Method != "GET" || r.Host == "" ||
		r.RemoteAddr != s.RemoteAddr() {
		t.Errorf("request %+v", r)
	}
	if r.Header.Get("Cookie") != "a=b" || r.Header.Get("Authorization") != "Bearer x" ||
		r.Header.Get("X-Extra") != "1" {
		t.Errorf("lost headers: %v", r.Header)
	}
	if r.Header.Get("Sec-Fetch-Mode") != "" || r.Header.Get("Accept") != "" {
		t.Errorf("kept headers: %v", r.Header)
	}
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, "v"))
	cancel() // the end of the handshake request is not the end of the session
	direct, _ := http.NewRequestWithContext(ctx, "GET", "/?EIO=4&transport=polling", nil)
	session := srv.newSession(direct)
	if session.Context().Value(key{}) != "v" || session.Context().Err() != nil {
		t.Errorf("context %v, %v", session.Context().Value(key{}), session.Context().Err())
	}
}

// crowded is an error of Options.Gate.
type crowded struct{}

func (crowded) Error() string             { return "Too many handshakes at once" }
func (crowded) HTTPStatus() int           { return http.StatusServiceUnavailable }
func (crowded) RetryAfter() time.Duration { return 3200 * time.Millisecond }

// A gate refuses handshakes of both transports before they have a session, and no other request.
func TestGate(t *testing.T) {
	open := true
	f := serve(t, Options{Gate: func(*http.Request) error {
		if open {
			return nil
		}
		return crowded{}
	}})
	sid, _ := f.open()
	open = false
	const want = `{"code":4,"message":"Too many handshakes at once"}`
	a := f.get("&transport=polling")
	f.expect(a, 503, want)
	if got := a.header.Get("Retry-After"); got != "4" {
		t.Errorf("Retry-After: %q, want 4", got)
	}
	a = f.do("GET", "&transport=websocket", nil, "Connection", "Upgrade", "Upgrade", "websocket",
		"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	f.expect(a, 503, want)
	f.expect(f.post(sid, "3"), 200, "ok")
	f.expect(f.get("&transport=carrier"), 400, `{"code":0,"message":"Transport unknown"}`)
	if n := f.s.Len(); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
}
