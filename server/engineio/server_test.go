package engineio

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// middleware wraps the ResponseWriter as a request log does.
type middleware struct{ http.ResponseWriter }

func (m middleware) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// TestBehindMiddlewareAndTLS checks WebSocket, deadlines and flushing through a ResponseWriter that
// only unwraps, WebSocket over TLS, and polling over HTTP/2.
func TestBehindMiddlewareAndTLS(t *testing.T) {
	f := serve(t, Options{})
	f.echo = true
	ts := httptest.NewUnstartedServer(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { f.s.ServeHTTP(middleware{w}, r) },
	))
	ts.EnableHTTP2 = true
	ts.StartTLS()
	defer ts.Close()
	f.url, f.http = ts.URL+"/engine.io/?EIO=4", ts.Client()

	query, _ := f.open()
	for range 2 {
		f.expect(f.post(query, "4hello"), 200, "ok")
		f.expect(f.get(query), 200, "4hello")
	}
	res, err := f.http.Get(f.url + "&transport=abc")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.ProtoMajor != 2 {
		t.Errorf("polling over %s", res.Proto)
	}

	roots := ts.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	d := websocket.Dialer{TLSClientConfig: &tls.Config{RootCAs: roots}}
	url := "ws" + strings.TrimPrefix(f.url, "http") + "&transport=websocket" +
		strings.TrimPrefix(query, "&transport=polling")
	conn, _, err := d.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ws := &socket{t, conn}
	ws.send("2probe")
	ws.expect("3probe")
	ws.send("5")
	large := strings.Repeat("x", 300_000)
	for range 3 {
		ws.send("4" + large)
		ws.expect("4" + large)
	}
	ws.send("1")
	ws.expectClose(closeNormal)
}

// TestHijackIsNotPossible checks that a WebSocket is refused when the connection cannot be
// hijacked.
func TestHijackIsNotPossible(t *testing.T) {
	s := New(Options{Accept: func(*Session) (Handler, error) { return nobody{}, nil }})
	r := newRequest("GET", "/?EIO=4&transport=websocket", "")
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket",
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
	} {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if body, _ := io.ReadAll(w.Body); w.Code != 400 ||
		string(body) != `{"code":3,"message":"Bad request"}` {
		t.Errorf("%d %s", w.Code, body)
	}
	if err := s.Shutdown(context.Background()); err != nil || s.Len() != 0 {
		t.Errorf("%v, %d sessions", err, s.Len())
	}
}
