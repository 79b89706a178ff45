package engineio

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(idleEnv) != "" {
		os.Exit(idleClients()) // see TestIdleSessionMemory
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for an event. It is far longer than the event takes.
const patience = 10 * time.Second

type message struct {
	data   string
	binary bool
}

// peer is the server's side of a session in a test.
type peer struct {
	*Session
	in     chan message
	closed chan string
	echo   bool
	block  chan struct{} // when set, Message waits for it
}

func (p *peer) Message(data []byte, binary bool) {
	if p.block != nil {
		select {
		case <-p.block:
		case <-p.Context().Done():
		}
	}
	if p.echo {
		_ = p.Send(data, binary)
		return
	}
	p.in <- message{string(data), binary}
}

func (p *peer) Close(reason string) { p.closed <- reason }

// fixture is a server with a client.
type fixture struct {
	t     *testing.T
	s     *Server
	url   string // of the endpoint, with EIO=4
	http  *http.Client
	peers chan *peer
	echo  bool
	block chan struct{}
}

func serve(t *testing.T, o Options) *fixture {
	t.Helper()
	f := &fixture{t: t, peers: make(chan *peer, 1024)}
	if o.Accept == nil {
		o.Accept = func(s *Session) Handler {
			p := &peer{Session: s, in: make(chan message, 1<<10), closed: make(chan string, 2), echo: f.echo, block: f.block}
			f.peers <- p
			return p
		}
	}
	f.s = New(o)
	ts := httptest.NewServer(f.s)
	f.url = ts.URL + "/engine.io/?EIO=4"
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	f.http = &http.Client{Transport: transport, Timeout: patience}
	t.Cleanup(func() {
		for _, session := range f.s.snapshot() { // not one second for each that has no GET waiting
			session.end(ending{reason: ReasonForcedClose})
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := f.s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		transport.CloseIdleConnections()
		ts.Close()
	})
	return f
}

// peer returns the server's side of the session opened last.
func (f *fixture) peer() *peer {
	f.t.Helper()
	select {
	case p := <-f.peers:
		return p
	case <-time.After(patience):
		f.t.Fatal("no session was accepted")
		return nil
	}
}

type answer struct {
	status int
	body   string
	header http.Header
}

// do sends a request. query follows the URL; when it is empty, `&transport=polling` does.
func (f *fixture) do(method, query string, body io.Reader, header ...string) answer {
	f.t.Helper()
	a, err := f.try(method, query, body, header...)
	if err != nil {
		f.t.Fatalf("%s: %v", method, err)
	}
	return a
}

func (f *fixture) try(method, query string, body io.Reader, header ...string) (answer, error) {
	r, err := http.NewRequest(method, f.url+query, body)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := f.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, string(b), res.Header}, err
}

var sidPattern = regexp.MustCompile(`"sid":"([A-Za-z0-9_-]{24})"`)

// open opens a polling session and returns its query.
func (f *fixture) open() (query string, p *peer) {
	f.t.Helper()
	a := f.do("GET", "&transport=polling", nil)
	m := sidPattern.FindStringSubmatch(a.body)
	if a.status != 200 || m == nil {
		f.t.Fatalf("handshake: %d %q", a.status, a.body)
	}
	return "&transport=polling&sid=" + m[1], f.peer()
}

func (f *fixture) get(query string) answer { f.t.Helper(); return f.do("GET", query, nil) }

func (f *fixture) post(query, body string) answer {
	f.t.Helper()
	return f.do("POST", query, strings.NewReader(body), "Content-Type", "text/plain;charset=UTF-8")
}

// getSoon sends a GET that must wait.
func (f *fixture) getSoon(query string) <-chan answer {
	c := make(chan answer, 1)
	go func() {
		a, err := f.try("GET", query, nil)
		if err != nil {
			a.body = err.Error()
		}
		c <- a
	}()
	return c
}

func (f *fixture) expect(a answer, status int, body string) {
	f.t.Helper()
	if a.status != status || a.body != body {
		f.t.Fatalf("got %d %q, want %d %q", a.status, a.body, status, body)
	}
}

// socket is a WebSocket client.
type socket struct {
	t *testing.T
	*websocket.Conn
}

// dial opens a WebSocket; query follows `&transport=websocket`.
func (f *fixture) dial(query string) *socket {
	f.t.Helper()
	ws, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(f.url, "http")+"&transport=websocket"+query, nil)
	if err != nil {
		f.t.Fatalf("dial: %v (%+v)", err, res)
	}
	f.t.Cleanup(func() { ws.Close() })
	return &socket{f.t, ws}
}

// connect opens a session on WebSocket and reads its OPEN packet.
func (f *fixture) connect() (*socket, *peer) {
	f.t.Helper()
	ws := f.dial("")
	if open := ws.next(); !strings.HasPrefix(open, "0{") {
		f.t.Fatalf("first packet %q", open)
	}
	return ws, f.peer()
}

func (s *socket) send(text string) {
	s.t.Helper()
	if err := s.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		s.t.Fatalf("send %q: %v", text, err)
	}
}

func (s *socket) read() (kind int, data string, err error) {
	_ = s.SetReadDeadline(time.Now().Add(patience))
	kind, p, err := s.ReadMessage()
	return kind, string(p), err
}

func (s *socket) next() string {
	s.t.Helper()
	_, data, err := s.read()
	if err != nil {
		s.t.Fatalf("read: %v", err)
	}
	return data
}

func (s *socket) expect(want string) {
	s.t.Helper()
	if got := s.next(); got != want {
		s.t.Fatalf("received %q, want %q", got, want)
	}
}

// expectClose reads until the close frame and returns its code, or 0 if the connection ended
// without one.
func (s *socket) expectClose(code int) {
	s.t.Helper()
	for {
		_, _, err := s.read()
		if err == nil {
			continue
		}
		closed, _ := err.(*websocket.CloseError)
		if closed == nil || closed.Code != code {
			s.t.Fatalf("ended with %v, want close %d", err, code)
		}
		break
	}
	// The server closes the TCP connection right after the close handshake.
	_ = s.NetConn().SetReadDeadline(time.Now().Add(patience))
	if _, err := s.NetConn().Read(make([]byte, 1)); err == nil || isTimeout(err) {
		s.t.Fatalf("the connection is still open: %v", err)
	}
}

func isTimeout(err error) bool {
	t, ok := err.(net.Error)
	return ok && t.Timeout()
}

func (p *peer) expect(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		select {
		case m := <-p.in:
			if m.data != w {
				t.Fatalf("received %q, want %q", m.data, w)
			}
		case <-time.After(patience):
			t.Fatalf("%q was not received", w)
		}
	}
}

// expectClosed waits for the end and checks that the handler gets nothing after it.
func (p *peer) expectClosed(t *testing.T, reason string) {
	t.Helper()
	select {
	case got := <-p.closed:
		if got != reason {
			t.Fatalf("closed by %q, want %q", got, reason)
		}
	case <-time.After(patience):
		t.Fatalf("the session is still %s", p.ReadyState())
	}
	if !p.Closed() || p.Context().Err() == nil {
		t.Fatalf("Closed() = %v, context: %v", p.Closed(), p.Context().Err())
	}
}

// eventually waits for a condition that has no event.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !f(); {
		if time.Now().After(end) {
			t.Fatalf("never happened: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func (f *fixture) waiting(p *peer) {
	f.t.Helper()
	eventually(f.t, "a GET waits", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.waiting != nil
	})
}
