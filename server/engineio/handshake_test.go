package engineio

import (
	"context"
	"errors"
	"net/http"
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

func TestAdmit(t *testing.T) {
	var verdict error
	f := serve(t, Options{Admit: func(*http.Request) error { return verdict }})
	verdict = errors.New("the secret reason")
	f.expect(f.get("&transport=polling"), 403, `{"code":4,"message":"Forbidden"}`)
	_, res, err := websocket.DefaultDialer.Dial("ws"+f.url[4:]+"&transport=websocket", nil)
	if err == nil || res.StatusCode != 403 {
		t.Errorf("websocket: %v %v", err, res)
	}
	verdict = tooMany{errors.New("Too many connections")}
	a := f.get("&transport=polling")
	f.expect(a, 429, `{"code":4,"message":"Too many connections"}`)
	if got := a.header.Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q, want whole seconds, rounded up", got)
	}
	if f.s.Len() != 0 {
		t.Errorf("%d sessions", f.s.Len())
	}
}

func TestAcceptWithoutHandlerRefuses(t *testing.T) {
	f := serve(t, Options{Accept: func(*Session) Handler { return nil }})
	f.expect(f.get("&transport=polling"), 403, `{"code":4,"message":"Forbidden"}`)
	f.dial("").expectClose(closePolicy)
	eventually(t, "no session is left", func() bool {
		return f.s.Len() == 0 && len(f.s.snapshot()) == 0
	})
}

func TestAcceptMayUseTheSession(t *testing.T) {
	done := make(chan string, 1)
	f := serve(t, Options{Accept: func(s *Session) Handler {
		if err := s.Send([]byte("hello"), false); err != nil {
			t.Error(err)
		}
		s.Close("enough")
		return &peer{Session: s, closed: done}
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
	srv := New(Options{Accept: func(session *Session) Handler {
		s = session
		return &peer{Session: session, closed: make(chan string, 1)}
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
