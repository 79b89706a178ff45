package engineio

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The opening handshake of RFC 6455 section 4.2.1, in requests that net/http accepts.
func TestOpeningHandshake(t *testing.T) {
	t.Parallel()
	f := serve(t, Options{})
	const (
		connection = "Connection: Upgrade\r\n"
		upgrade    = "Upgrade: websocket\r\n"
		version    = "Sec-WebSocket-Version: 13\r\n"
		key        = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		all        = connection + upgrade + version + key
	)
	for _, c := range []struct{ name, proto, headers, status string }{
		{"complete", "1.1", all, "101"},
		{"other case, more tokens", "1.1", "connection: keep-alive, UPGRADE\r\n" +
			"upgrade: h2c, WebSocket\r\n" + version + key, "101"},
		{"extensions", "1.1", all + "Sec-WebSocket-Extensions: permessage-deflate; x=\"y\"\r\n", "101"},
		{"HTTP/1.0", "1.0", all, "400"},
		{"no Connection", "1.1", upgrade + version + key, "400"},
		{"Connection: close", "1.1", "Connection: close\r\n" + upgrade + version + key, "400"},
		{"no Upgrade", "1.1", connection + version + key, "400"},
		{"Upgrade: websockets", "1.1", connection + "Upgrade: websockets\r\n" + version + key, "400"},
		{"no version", "1.1", connection + upgrade + key, "426"},
		{"version 8", "1.1", connection + upgrade + "Sec-WebSocket-Version: 8\r\n" + key, "426"},
		{"versions 13 and 8", "1.1", all + "Sec-WebSocket-Version: 8\r\n", "426"},
		{"a list of versions", "1.1", connection + upgrade + "Sec-WebSocket-Version: 13, 8\r\n" + key, "426"},
		{"version 013", "1.1", connection + upgrade + "Sec-WebSocket-Version: 013\r\n" + key, "426"},
		{"no key", "1.1", connection + upgrade + version, "400"},
		{"two keys", "1.1", all + key, "400"},
		{"key of 15 bytes", "1.1", connection + upgrade + version + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA\r\n", "400"},
		{"key of 17 bytes", "1.1", connection + upgrade + version + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA=\r\n", "400"},
		{"key that is not base64", "1.1", connection + upgrade + version + "Sec-WebSocket-Key: ?????????????????????A==\r\n", "400"},
		{"a body", "1.1", all + "Content-Length: 3\r\n", "400"},
		{"a chunked body", "1.1", all + "Transfer-Encoding: chunked\r\n", "400"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := f.with(t)
			answer := f.raw("GET /engine.io/?EIO=4&transport=websocket HTTP/" + c.proto +
				"\r\nHost: x\r\n" + c.headers + "\r\n")
			head, _, _ := strings.Cut(answer, "\r\n\r\n")
			if !strings.HasPrefix(head[min(len(head), len("HTTP/1.1 ")):], c.status+" ") {
				t.Fatalf("got %q, want %s", head, c.status)
			}
			for _, want := range []string{
				"\r\nSec-Websocket-Version: 13", "\r\nUpgrade: websocket", "\r\nConnection: Upgrade",
			} {
				if c.status == "426" && !strings.Contains(head, want) {
					t.Errorf("got %q, want the header %q", head, want)
				}
			}
		})
	}
}

// A GET with a body is refused: net/http does not see that a client has left before it has read the
// body, and the session would live on.
func TestGETWithABodyIsRefused(t *testing.T) {
	t.Parallel()
	f := serve(t, Options{})
	query, p := f.open()
	for _, q := range []string{"&transport=polling", query} {
		a := f.do("GET", q, strings.NewReader("4x"))
		f.expect(a, 400, `{"code":3,"message":"Bad request"}`)
	}
	if p.Closed() || f.s.Len() != 1 {
		t.Errorf("closed: %v, %d sessions", p.Closed(), f.s.Len())
	}
}

// The server answers 1,000 refused requests at once and 100 per second. Each further one waits a
// second, so a client that repeats one gets an answer a second.
func TestRefusalsArePaced(t *testing.T) {
	t.Parallel()
	for query, status := range map[string]int{
		"?EIO=4&transport=polling&sid=unknown": 400,
		"?EIO=3&transport=polling":             400,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := New(Options{ReceiveRate: testRate})
			start, answered := time.Now(), 0
			for time.Since(start) < 4*second {
				if code := do(s, "GET", "/"+query); code != status {
					t.Fatalf("%s: %d, want %d", query, code, status)
				}
				answered++
				time.Sleep(time.Millisecond) // what a request takes
			}
			// 1,000 a second at first; then all of them wait, and 100 accrue in each wait.
			if answered > refusalBurst+2*4*refusalRate {
				t.Errorf("%s: %d answers in 4 s", query, answered)
			}
		})
	}
}

// A polling client that repeats requests as fast as it can is held back. It is closed when the
// requests have nothing but stray packets, or more packets than its rate allows.
func TestPollingFlood(t *testing.T) {
	t.Parallel()
	most := int((budgetTime + 11*second).Seconds()) * testRate / (perRequest + perFrame)
	for name, c := range map[string]struct {
		body   string
		closed bool
	}{
		"a message each":          {"4x", false},
		"pongs":                   {"3", true},
		"noops":                   {"6", true},
		"half a million messages": {strings.Repeat("4\x1e", 499_999) + "4", true},
		"half a million pongs":    {strings.Repeat("3\x1e", 499_999) + "3", true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &flooded{closed: make(chan string, 1)}
				s := New(Options{
					ReceiveRate: testRate,
					Accept:      func(s *Session) (Handler, error) { h.Session = s; return h, nil },
				})
				do(s, "GET", "/?EIO=4&transport=polling")
				url := "/?EIO=4&transport=polling&sid=" + h.ID()
				start, posts, status := time.Now(), 0, 200
				for status == 200 && time.Since(start) < 10*second {
					posts++
					status = post(s, url, c.body)
				}
				if took := time.Since(start); took > 20*second || posts > most {
					t.Errorf("%d POSTs in %v", posts, took)
				}
				if c.closed != (status == 400) || c.closed != h.Closed() {
					t.Errorf("status %d, closed %v", status, h.Closed())
				}
				h.end(ending{reason: "test"})
				<-h.closed
			})
		})
	}
}

// A client whose GETs have an answer at once, because the server sends so much, is held back and
// not closed.
func TestPollingReaderIsHeldBack(t *testing.T) {
	t.Parallel()
	inBubble(t, Options{ReceiveRate: testRate, PingInterval: time.Hour}, func(c *clock) {
		gets := 0
		for ; time.Since(c.start) < 12*second; gets++ {
			if err := c.p.Send(fmt.Append(nil, gets), false); err != nil {
				t.Fatal(err)
			}
			if got := c.request("GET", ""); got != fmt.Sprint("4", gets) {
				t.Fatalf("got %q", got)
			}
		}
		if most := int((budgetTime + 13*second).Seconds()) * testRate / perRequest; gets > most {
			t.Errorf("%d GETs in 12 s, want at most %d", gets, most)
		}
	})
}
