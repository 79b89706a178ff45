package sse

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// dialRaw opens a connection without an HTTP client.
func dialRaw(t testing.TB, srv *httptest.Server) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return conn.(*net.TCPConn)
}

// An HTTP/1.0 client gets the events without chunks until the connection closes.
func TestHTTP10(t *testing.T) {
	r := newRig(t, Options{})
	conn := dialRaw(t, r.serve(t, taken))
	_, _ = fmt.Fprint(conn, "GET /sse HTTP/1.0\r\n\r\n")
	br := bufio.NewReader(conn)
	var head []string
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			break
		}
		head = append(head, strings.TrimSpace(line))
	}
	all := strings.Join(head, "\n")
	if head[0] != "HTTP/1.0 200 OK" || strings.Contains(all, "chunked") ||
		strings.Contains(all, "Content-Length") {
		t.Errorf("headers\n%s", all)
	}
	id := r.publish(t, notify.Notification{Type: "t"}, notify.ToAll())
	r.hub.Members()[0].Disconnect("over")
	rest, err := io.ReadAll(br)
	if err != nil {
		t.Fatal(err)
	}
	got := string(rest)
	if !strings.HasPrefix(got, "retry: ") || !strings.Contains(got, "\nid: "+id+"\nevent: t\n") ||
		!strings.HasSuffix(got, "\"reason\":\"over\"}\n\n") {
		t.Errorf("body\n%s", got)
	}
}

// If net/http writes the stream, its connection serves further requests after the end, without a
// remaining deadline.
func TestConnectionReuse(t *testing.T) {
	r := newRig(t, Options{WriteTimeout: 500 * time.Millisecond})
	conn := dialRaw(t, r.serve(t, netHTTP))
	br := bufio.NewReader(conn)
	for range 2 {
		_, _ = fmt.Fprint(conn, "GET /sse HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		c := &client{t: t, parser: newParser(resp.Body)}
		c.want("connected")
		r.hub.Members()[0].Disconnect("over")
		c.want("disconnected")
		c.wantEnd()
		time.Sleep(600 * time.Millisecond) // beyond the deadline of the last write
	}
}
