package sse

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// request sends a request for a stream and returns a reader of the whole response.
func request(t testing.TB, srv *httptest.Server, head string) (*net.TCPConn, *bufio.Reader) {
	t.Helper()
	conn := dialRaw(t, srv)
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

// readTo reads until the bytes end with text.
func readTo(t testing.TB, in *bufio.Reader, text string) string {
	t.Helper()
	var all strings.Builder
	for !strings.HasSuffix(all.String(), text) {
		b, err := in.ReadByte()
		if err != nil {
			t.Fatalf("%v after %q", err, all.String())
		}
		all.WriteByte(b)
	}
	return all.String()
}

// A stream that took over its connection sends the same bytes as net/http, from the status line to
// the last chunk, except the header Connection: close and the sizes of chunks.
func TestTakenStreamMatchesNetHTTP(t *testing.T) {
	for name, headers := range map[string]string{
		"keep-alive": "",
		"close":      "Connection: close\r\n",
		"all that is sent": "Connection: keep-alive\r\nAccept: " +
			"text/event-stream\r\nCache-Control: no-cache\r\nAccept-Encoding: gzip\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Options{Sync: -1})
			var clients [2]*bufio.Reader
			var got [2]string
			for i, w := range []way{taken, netHTTP} {
				srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter,
					req *http.Request) {
					rw.Header().Set("X-Request-ID", "r1") // as middlewares do
					rw.Header()["Vary"] = []string{"Origin", "Accept"}
					rw.Header().Set("Date", "Sun, 22 Nov 2026 10:00:00 GMT")
					w.of(r.routes()).ServeHTTP(rw, req)
				}))
				t.Cleanup(srv.Close)
				_, clients[i] = request(t, srv,
					"GET /sse?userId=u1 HTTP/1.1\r\nHost: x\r\n"+headers+"\r\n")
				got[i] = readTo(t, clients[i], "}\n\n\r\n")
			}
			for _, size := range []int{1, 200, 2047, 2048, 5000, 70_000, 200_000} {
				data := raw(`"` + strings.Repeat("x", size) + `"`)
				r.publish(t, notify.Notification{Type: "t", Data: data}, notify.ToUser("u1"))
				for i := range clients {
					got[i] += readTo(t, clients[i], "}\n\n\r\n")
				}
			}
			for _, m := range r.hub.Members() {
				m.Disconnect("over")
			}
			for i := range clients {
				got[i] += readTo(t, clients[i], "\r\n0\r\n\r\n")
			}
			if headers != "Connection: close\r\n" {
				got[0] = strings.Replace(got[0], "Connection: close\r\n", "", 1)
			} else {
				got[0] = moved(got[0], "Connection: close\r\n", "Transfer-Encoding")
			}
			got[0] = strings.Replace(got[0], `"totalConnections":1`, `"totalConnections":2`, 1)
			if a, b := blur(dechunked(t, got[0])), blur(dechunked(t, got[1])); a != b {
				t.Errorf("taken\n%.2000q\nnet/http\n%.2000q", a, b)
			}
			head := "HTTP/1.1 200 OK\r\nCache-Control: no-store, no-transform\r\n"
			if !strings.HasPrefix(got[0], head) {
				t.Errorf("head %.300q", got[0])
			}
		})
	}
}

// dechunked returns a response with its body decoded.
func dechunked(t *testing.T, response string) string {
	t.Helper()
	head, body, _ := strings.Cut(response, "\r\n\r\n")
	text, err := io.ReadAll(httputil.NewChunkedReader(strings.NewReader(body)))
	if err != nil {
		t.Fatalf("%v in %.300q", err, body)
	}
	return head + "\r\n\r\n" + string(text)
}

// moved moves a line in front of another one, because net/http writes its own headers last.
func moved(s, line, before string) string {
	s = strings.Replace(s, line, "", 1)
	return strings.Replace(s, before, line+before, 1)
}

// The connection ends after the last chunk. Late bytes of the client do not reset it.
func TestTakenConnectionEndsWithItsStream(t *testing.T) {
	r := newRig(t, Options{})
	conn, in := request(t, r.serve(t, taken), "GET /sse HTTP/1.1\r\nHost: x\r\n\r\n")
	head := readTo(t, in, "\r\n\r\n")
	if !strings.Contains(head, "\r\nConnection: close\r\n") ||
		!strings.Contains(head, "\r\nTransfer-Encoding: chunked\r\n") {
		t.Errorf("head %q", head)
	}
	readTo(t, in, "\n\n\r\n")
	r.hub.Members()[0].Disconnect("over")
	r.awaitGone(t, 1)
	// The client sends this before it can read the end.
	_, _ = io.WriteString(conn, "GET /sse HTTP/1.1\r\nHost: x\r\n\r\n")
	rest, err := io.ReadAll(in)
	if err != nil || !strings.HasSuffix(string(rest), "\"over\"}\n\n\r\n0\r\n\r\n") {
		t.Errorf("%q, %v", rest, err)
	}
}

// The stream ends as soon as its client closes the connection, however it closes it.
func TestClientCloseEndsStream(t *testing.T) {
	for name, leave := range map[string]func(*net.TCPConn) error{
		"FIN":        (*net.TCPConn).Close,
		"half close": (*net.TCPConn).CloseWrite,
		"RST": func(c *net.TCPConn) error {
			_ = c.SetLinger(0)
			return c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, w way) {
				r := newRig(t, Options{Sync: -1})
				srv := r.serve(t, w)
				for range 10 {
					conn, in := request(t, srv, "GET /sse?userId=u1 HTTP/1.1\r\nHost: x\r\n\r\n")
					readTo(t, in, "\n\n\r\n")
					if err := leave(conn); err != nil {
						t.Fatal(err)
					}
					r.awaitGone(t, 1)
					if name == "half close" { // the server also closes its side
						if _, err := io.Copy(io.Discard, in); err != nil {
							t.Error(err)
						}
					}
				}
				if r.hub.Total() != 0 {
					t.Error("members are left")
				}
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if err := r.Handler.Shutdown(ctx); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// The server ignores bytes after the request, up to a limit.
func TestPipelinedBytes(t *testing.T) {
	const head = "GET /sse?userId=u1 HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, c := range []struct {
		with, later int // bytes in the packet of the request, and after `connected`
		ends        bool
	}{
		{0, 100, false}, {100, 0, false}, {2000, 2000, false}, {0, maxIgnored + 1, true},
		{3000, 3000, true},
	} {
		t.Run(fmt.Sprint(c.with, "+", c.later), func(t *testing.T) {
			r := newRig(t, Options{})
			conn, in := request(t, r.serve(t, taken), head+strings.Repeat("x", c.with))
			readTo(t, in, "\n\n\r\n")
			if _, err := io.WriteString(conn, strings.Repeat("x", c.later)); err != nil {
				t.Fatal(err)
			}
			if c.ends {
				r.awaitGone(t, 1)
				return
			}
			r.publish(t, notify.Notification{Type: "t"}, notify.ToUser("u1"))
			readTo(t, in, "\n\n\r\n")
		})
	}
}

// net/http must read the body of a request, so the stream does not take over the connection.
func TestRequestBodyKeepsNetHTTP(t *testing.T) {
	r := newRig(t, Options{})
	for _, body := range []string{
		"Content-Length: 5\r\n\r\nhello",
		"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	} {
		_, in := request(t, r.serve(t, taken), "GET /sse?userId=u1 HTTP/1.1\r\nHost: x\r\n"+body)
		if head := readTo(t, in, "\r\n\r\n"); strings.Contains(head, "Connection: close") {
			t.Errorf("head %q", head)
		}
		readTo(t, in, "\n\n\r\n")
		r.hub.Members()[0].Disconnect("over")
		readTo(t, in, "0\r\n\r\n")
		r.awaitGone(t, 1)
	}
}
