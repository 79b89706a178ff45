package forward

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// TestSlowBody sends a part of a body. The first node gives up at its deadline, and the owner sees a
// body that ends early.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	c := &cluster{t: t}
	a, b := c.start("aaaa", nil), c.start("bbbb", nil)
	atOwner := make(chan error, 1)
	b.handle(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		atOwner <- err
	})
	first := servertest.Serve(t, edge.WithInfo(nil, http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(200 * time.Millisecond))
			if err := a.Forward(w, r, idOf("bbbb")); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %v, want the deadline", err)
			}
			w.WriteHeader(http.StatusRequestTimeout)
		})))
	conn, err := net.Dial("tcp", first)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "POST /?sid="+idOf("bbbb")+
		" HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n4part")
	_ = conn.SetReadDeadline(time.Now().Add(servertest.Patience))
	answer := make([]byte, 100)
	n, _ := conn.Read(answer)
	if !strings.HasPrefix(string(answer[:n]), "HTTP/1.1 408 ") {
		t.Errorf("got %q", answer[:n])
	}
	if err := servertest.Receive(t, atOwner); err == nil {
		t.Error("the owner has read a whole body")
	}
}

// TestLargeBodies passes bodies and answers of some megabytes, with and without a length.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	c := &cluster{t: t}
	a, b := c.start("aaaa", nil), c.start("bbbb", nil)
	b.handle(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	})
	large := strings.Repeat("0123456789abcdef", 1<<18)
	for _, body := range []io.Reader{strings.NewReader(large), io.MultiReader(strings.NewReader(large))} {
		r, err := http.NewRequest("POST", a.url("bbbb"), body)
		if err != nil {
			t.Fatal(err)
		}
		if res, text := servertest.DoRequest(t, r); res.StatusCode != 200 || text != large {
			t.Errorf("%d, %d bytes", res.StatusCode, len(text))
		}
	}
}
