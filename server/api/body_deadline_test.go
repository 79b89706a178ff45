package api

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

func TestBodyDeadline(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	const d = 150 * time.Millisecond
	// This is what New returns, with a shorter deadline.
	address := servertest.Serve(t, edge.WithInfo(nil,
		edge.WithBodyDeadline(d, newHandler(testOptions(hub, servertest.Key)).router())))
	for name, head := range map[string]string{
		"no byte":        "Content-Length: 100\r\n\r\n",
		"half":           "Content-Length: 100\r\n\r\n{\"target\":",
		"chunked, half":  "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"tar\r\n",
		"chunked, start": "Transfer-Encoding: chunked\r\n\r\n",
	} {
		start := time.Now()
		answer := servertest.Raw(t, address,
			"POST /v1/notifications HTTP/1.1\r\nHost: x\r\nX-API-Key: "+servertest.Key+
				"\r\nContent-Type: application/json\r\n"+head)
		if !strings.HasPrefix(answer, "HTTP/1.1 408 ") ||
			!strings.Contains(answer, `"code":"request_timeout"`) ||
			!strings.Contains(answer, "Connection: close\r\n") {
			t.Errorf("%s: %.300s", name, answer)
		}
		if took := time.Since(start); took < d {
			t.Errorf("%s: %v", name, took)
		}
	}
	// Without a key the server does not read the body. The response does not wait for it.
	answer := servertest.Raw(t, address,
		"POST /v1/notifications HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
	if !strings.HasPrefix(answer, "HTTP/1.1 401 ") {
		t.Errorf("unread: %.300s", answer)
	}
	// A GET request has no body.
	answer = servertest.Raw(t, address, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 400 ") ||
		!strings.Contains(answer, `"detail":"body: GET requests have none"`) {
		t.Errorf("GET: %.300s", answer)
	}
}

// The deadline ends when the body is complete: it affects neither the handler nor the next request
// on the connection.
func TestBodyDeadlineEndsWithBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const d = time.Second
		handler := edge.WithBodyDeadline(d, http.HandlerFunc(func(w http.ResponseWriter,
			r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			select {
			case <-r.Context().Done():
				t.Error("the deadline of the body ended the request")
			case <-time.After(4 * d):
			}
			_, _ = w.Write(body)
		}))
		client, conn := net.Pipe()
		defer client.Close()
		l := pipeListener{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
		l.conns <- conn
		s := &http.Server{Handler: handler}
		ended := make(chan error)
		go func() { ended <- s.Serve(l) }()
		responses := bufio.NewReader(client)
		for range 2 {
			_, _ = io.WriteString(client,
				"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
			res, err := http.ReadResponse(responses, nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(res.Body); err != nil || string(body) != "abc" {
				t.Fatalf("%q %v", body, err)
			}
		}
		_ = s.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// pipeListener is a net.Listener that accepts connections from a channel.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l pipeListener) Close() error { close(l.closed); return nil }

func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{} }
