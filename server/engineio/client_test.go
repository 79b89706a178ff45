package engineio

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

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

// raw sends the head of a request and returns what the server answers at first.
func (f *fixture) raw(request string) string {
	f.t.Helper()
	conn, err := net.Dial("tcp", strings.Split(f.url, "/")[2])
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	p := make([]byte, 4096)
	n := 0
	if _, err = io.WriteString(conn, request); err == nil {
		n, err = conn.Read(p)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return string(p[:n])
}

// do sends a request without a connection and returns the status of the answer.
func do(s *Server, method, url string) int {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, newRequest(method, url, ""))
	return w.Code
}

// post is do for a POST with a body.
func post(s *Server, url, body string) int {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, newRequest("POST", url, body))
	return w.Code
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
	ws, res, err := websocket.DefaultDialer.Dial(
		"ws"+strings.TrimPrefix(f.url, "http")+"&transport=websocket"+query, nil,
	)
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
