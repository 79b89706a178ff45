package engineio

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// backlogHandler waits in Message until Backlog has the value that the test expects.
type backlogHandler struct {
	session *Session
	want    chan bool
	got     chan bool
}

func (h *backlogHandler) Message([]byte, bool) {
	select {
	case want := <-h.want:
		got := h.session.Backlog()
		for end := time.Now().Add(patience); got != want && time.Now().Before(end); {
			time.Sleep(time.Millisecond) // the bytes may still be on their way
			got = h.session.Backlog()
		}
		h.got <- got
	case <-h.session.Context().Done():
	}
}

func (*backlogHandler) Close(string) {}

func (h *backlogHandler) expect(t *testing.T, want ...bool) {
	t.Helper()
	for i, want := range want {
		h.want <- want
		if got := <-h.got; got != want {
			t.Errorf("message %d: %v, want %v", i, got, want)
		}
	}
}

func serveBacklog(t *testing.T) (*fixture, <-chan *backlogHandler) {
	handlers := make(chan *backlogHandler, 1)
	return serve(t, Options{Accept: func(s *Session) (Handler, error) {
		h := &backlogHandler{s, make(chan bool), make(chan bool, 1)}
		handlers <- h
		return h, nil
	}}), handlers
}

// A handler can tell a client that waits for it from one that has sent more already.
func TestBacklogOnPolling(t *testing.T) {
	f, handlers := serveBacklog(t)
	a := f.do("GET", "&transport=polling", nil)
	query := "&transport=polling&sid=" + sidPattern.FindStringSubmatch(a.body)[1]
	h := <-handlers
	for payload, want := range map[string][]bool{
		"4a":               {false},
		"4a\x1e4b\x1e4c":   {true, true, false},
		"4a\x1ebAA==\x1e3": {true, true},
	} {
		posted := make(chan answer, 1)
		go func() {
			a, _ := f.try("POST", query, strings.NewReader(payload))
			posted <- a
		}()
		h.expect(t, want...)
		f.expect(<-posted, 200, "ok")
	}
}

func TestBacklogOnWebSocket(t *testing.T) {
	f, handlers := serveBacklog(t)
	ws := f.dial("")
	ws.next()
	h := <-handlers
	for _, size := range []int{1, 10_000} { // in the buffer of the reader, and in that of the system
		text := "4" + strings.Repeat("x", size)
		ws.send(text)
		h.expect(t, false)
		for range 3 {
			ws.send(text)
		}
		h.expect(t, true, true, false)
	}
}

// Below TLS, the bytes that have arrived count as well.
func TestBacklogBelowTLS(t *testing.T) {
	f, handlers := serveBacklog(t)
	secure := httptest.NewTLSServer(f.s)
	t.Cleanup(secure.Close)
	dialer := websocket.Dialer{
		TLSClientConfig: secure.Client().Transport.(*http.Transport).TLSClientConfig.Clone(),
	}
	dialer.TLSClientConfig.NextProtos = nil
	conn, _, err := dialer.Dial(
		"wss"+strings.TrimPrefix(secure.URL, "https")+"/engine.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	ws := &socket{t, conn}
	ws.next()
	h := <-handlers
	text := "4" + strings.Repeat("x", 100_000) // many records
	for range 3 {
		ws.send(text)
	}
	h.expect(t, true, true, false)
}
