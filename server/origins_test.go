package server

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// Pages of other origins can use no transport and create no session. Pages of the server's own
// origin can use all transports.
func TestForeignOriginsOnEveryTransport(t *testing.T) {
	t.Parallel()
	s := newServiceStack(t, nil)
	_, port, err := net.SplitHostPort(s.Base)
	if err != nil {
		t.Fatal(err)
	}
	foreign := []string{
		"null", "https://evil.example", "http://evil.example:" + port, "http://127.0.0.1",
		"http://127.0.0.1:80", "http://127.0.0.1:1" + port,
		"http://127.0.0.1:" + port + ".evil.example", "http://127.0.0.1.evil.example:" + port,
		"http://127.0.0.1:" + port + "@evil.example",
		"http://evil.example/127.0.0.1:" + port, "http://evil.example?127.0.0.1:" + port,
		"http://evil.example#127.0.0.1:" + port,
		"http://127.0.0.2:" + port, "http://localhost:" + port, "http://0.0.0.0:" + port,
		"http://[::1]:" + port, "http://2130706433:" + port,
		"http://127.1:" + port, "http://0x7f.0.0.1:" + port, "http://127.0.0.1.:" + port,
		"http://x127.0.0.1:" + port,
		"127.0.0.1:" + port, "//127.0.0.1:" + port, "ftp://127.0.0.1:" + port, "file://",
		"file://127.0.0.1:" + port,
		"javascript:alert(1)", "*", "http://", "http:127.0.0.1:" + port,
		"http://127.0.0.1:" + port + " http://evil.example",
		"http://127.0.0.1:" + port + ", http://evil.example",
		"http://evil.example, http://127.0.0.1:" + port, "chrome-extension://abcdef",
	}
	const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
	end := " HTTP/1.1\r\nHost: " + s.Base + "\r\n"
	requests := map[string]string{
		"websocket":   "GET /socket.io/?EIO=4&transport=websocket" + end + upgrade,
		"polling":     "GET /socket.io/?EIO=4&transport=polling" + end + "Connection: close\r\n",
		"EventSource": "GET /sse?userId=u1" + end + "Connection: close\r\n",
		"for /api":    "GET /api/sse?userId=u1" + end + "Connection: close\r\n",
	}
	status := func(request string) string {
		c, err := net.Dial("tcp", s.Base)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(servertest.Patience))
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(line)[1]
	}
	for transport, request := range requests {
		for _, origin := range foreign {
			if got := status(request + "Origin: " + origin + "\r\n\r\n"); got != "403" {
				t.Errorf("%s from %q: %s, want 403", transport, origin, got)
			}
		}
		for _, headers := range []string{
			"Origin:\r\n",
			"Origin: http://" + s.Base + "\r\nOrigin: https://evil.example\r\n",
		} {
			if got := status(request + headers + "\r\n"); got != "403" {
				t.Errorf("%s with %q: %s, want 403", transport, headers, got)
			}
		}
	}
	if n := s.sio.Sessions() + s.Hub.Total(); n != 0 {
		t.Errorf("requests of other origins created %d sessions", n)
	}
	for transport, request := range requests {
		want := "200"
		if transport == "websocket" {
			want = "101"
		}
		for _, headers := range []string{"", "Origin: http://" + s.Base + "\r\n"} {
			if got := status(request + headers + "\r\n"); got != want {
				t.Errorf("%s with %q: %s, want %s", transport, headers, got, want)
			}
		}
	}
}
