package edge

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/server/servertest"
)

func serveLogged(t *testing.T, quiet func(*http.Request) bool, handler http.HandlerFunc) (string, *servertest.Log) {
	log, buf := servertest.NewLog()
	return servertest.Serve(t, WithInfo(nil, WithLog(log, quiet, WithRecovery(log, handler)))), buf
}

func TestRequestLog(t *testing.T) {
	address, buf := serveLogged(t, func(r *http.Request) bool { return r.URL.Path == "/livez" }, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/silent":
		case "/broken":
			WriteProblem(w, r, errors.New("dial tcp 10.0.0.7:6379: connection refused"))
		case "/early":
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusTeapot)
		default:
			_, _ = io.WriteString(w, "four")
		}
	})
	for _, path := range []string{"/hello?token=secret", "/silent", "/broken", "/livez", "/early"} {
		servertest.Do(t, "GET", "http://"+address+path, "", "X-Request-ID: req-1")
	}
	servertest.Eventually(t, "five lines", func() bool { return strings.Count(buf.Text(), "\n") == 5 })
	lines := buf.Lines(t)
	for i, want := range []struct {
		level, path string
		status      int
		bytes       float64
	}{
		{"info", "/hello", 200, 4}, {"info", "/silent", 200, 0}, {"warn", "/broken", 500, -1}, {"debug", "/livez", 200, 4}, {"info", "/early", 418, 0},
	} {
		l := lines[i]
		if l["level"] != want.level || l["path"] != want.path || l["status"] != float64(want.status) || l["method"] != "GET" || l["msg"] != "request" ||
			l["ip"] != "127.0.0.1" || l["request_id"] != "req-1" || l["duration"] == nil || want.bytes >= 0 && l["bytes"] != want.bytes {
			t.Errorf("line %v, want %+v", l, want)
		}
	}
	if lines[2]["error"] != "dial tcp 10.0.0.7:6379: connection refused" {
		t.Errorf("the cause is not logged: %v", lines[2])
	}
}

func TestPanicRecovery(t *testing.T) {
	address, buf := serveLogged(t, nil, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/before":
			panic(errors.New("broken"))
		case "/after":
			_, _ = io.WriteString(w, "some")
			w.(http.Flusher).Flush()
			panic("broken")
		case "/secret":
			panic(struct{ token string }{"CANARY-7f3a"})
		case "/abort":
			panic(http.ErrAbortHandler)
		}
	})
	res, body := servertest.Do(t, "GET", "http://"+address+"/before", "", "X-Request-ID: req-1")
	if res.StatusCode != 500 || servertest.Sorted(t, body) != servertest.ProblemJSON(t, 500, "internal", ErrInternal.Detail, "") {
		t.Errorf("before: %d %s", res.StatusCode, body)
	}
	// Closed in the middle: the client can tell that the response is incomplete.
	answer := servertest.Raw(t, address, "GET /after HTTP/1.1\r\nHost: x\r\n\r\n")
	if !strings.HasSuffix(answer, "\r\n\r\n4\r\nsome\r\n") {
		t.Errorf("after: %q", answer)
	}
	servertest.Do(t, "GET", "http://"+address+"/secret", "")
	if answer := servertest.Raw(t, address, "GET /abort HTTP/1.1\r\nHost: x\r\n\r\n"); answer != "" {
		t.Errorf("abort: %q", answer)
	}
	servertest.Eventually(t, "all lines", func() bool { return strings.Count(buf.Text(), `"msg":"request"`) == 4 })
	panics, aborted := 0, 0
	for _, line := range buf.Lines(t) {
		if line["msg"] == "panic in a request handler" {
			panics++
			if !strings.Contains(line["stack"].(string), "log_test.go") {
				t.Errorf("stack %v", line["stack"])
			}
		}
		if line["aborted"] == true {
			aborted++
		}
	}
	if panics != 3 || aborted != 2 {
		t.Errorf("%d panics and %d aborted responses logged:\n%s", panics, aborted, buf.Text())
	}
	if strings.Contains(buf.Text(), "CANARY") {
		t.Error("a panic value is in the log")
	}
}

// A stream is logged when it ends, and its writer supports the methods that streams need.
func TestLoggedStream(t *testing.T) {
	ended := make(chan struct{})
	address, buf := serveLogged(t, nil, func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		rc := http.NewResponseController(w)
		if err := errors.Join(rc.SetWriteDeadline(time.Now().Add(time.Minute)), rc.SetReadDeadline(time.Time{})); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, ": hi\n\n")
		if err := rc.Flush(); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
	})
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "GET /sse HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := bufio.NewReader(c).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if buf.Text() != "" {
		t.Errorf("logged before its end: %s", buf.Text())
	}
	_ = c.Close()
	<-ended
	servertest.Eventually(t, "the line", func() bool { return strings.Contains(buf.Text(), `"bytes":6`) })
}

// A stream that takes the connection over is logged when it ends, too, with the bytes that it
// wrote.
func TestLoggedStreamWithoutItsRequest(t *testing.T) {
	ended, returned := make(chan func(int64), 1), make(chan struct{})
	log, buf := servertest.NewLog()
	logged := WithInfo(nil, WithLog(log, nil, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, ": hi\n\n")
		rc := http.NewResponseController(w)
		if err := rc.Flush(); err != nil {
			t.Error(err)
		}
		conn, _, err := rc.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { _ = conn.Close() })
		ended <- w.(interface{ Detach() func(int64) }).Detach()
	})))
	address := servertest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(returned)
		logged.ServeHTTP(w, r)
	}))
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET /sse?token=CANARY-7f3a HTTP/1.1\r\nHost: x\r\nX-Request-ID: req-1\r\n\r\n")
	end := <-ended
	<-returned
	if buf.Text() != "" {
		t.Errorf("logged before its end: %s", buf.Text())
	}
	end(17)
	want := `{"level":"info","msg":"request","method":"GET","path":"/sse","status":200,"bytes":17,"duration":`
	if text := buf.Text(); !strings.HasPrefix(text, want) || !strings.HasSuffix(text, `,"ip":"127.0.0.1","request_id":"req-1"}`+"\n") {
		t.Errorf("got %s, want %s…", text, want)
	}
}

func TestLoggedWebSocket(t *testing.T) {
	upgrader := websocket.Upgrader{}
	address, buf := serveLogged(t, nil, func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		kind, data, _ := c.ReadMessage()
		_ = c.WriteMessage(kind, data)
		panic("a handler that breaks after the upgrade")
	})
	c, _, err := websocket.DefaultDialer.Dial("ws://"+address+"/socket.io/?token=CANARY-7f3a", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.WriteMessage(websocket.TextMessage, []byte("hi"))
	if _, data, err := c.ReadMessage(); err != nil || string(data) != "hi" {
		t.Errorf("%q %v", data, err)
	}
	servertest.Eventually(t, "the line", func() bool { return strings.Contains(buf.Text(), `"status":101`) })
	if text := buf.Text(); strings.Contains(text, "CANARY") || strings.Count(text, "a handler that breaks") != 1 {
		t.Error(text)
	}
}

func TestRequestID(t *testing.T) {
	var seen string
	h := WithInfo(nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen = InfoOf(r).ID }))
	for id, kept := range map[string]bool{
		"abc-DEF_1.2": true, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false, "": false, "a b": false,
		"a\r\nb": false, "é": false, "a\x1b[31m": false, `a"b`: false,
	} {
		r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		r.Header["X-Request-Id"] = []string{id}
		h.ServeHTTP(w, r)
		if (seen == id) != kept || seen == "" || w.Header().Get("X-Request-ID") != seen {
			t.Errorf("%q became %q and was answered as %q", id, seen, w.Header().Get("X-Request-ID"))
		}
	}
}
