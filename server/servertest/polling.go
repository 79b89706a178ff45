package servertest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// Polling is an Engine.IO client over long-polling that sends one request at a time.
type Polling struct {
	t       testing.TB
	URL     string      // with the id of the session
	Headers http.Header // of each request
}

// Get polls once and returns the payload.
func (c *Polling) Get() string {
	c.t.Helper()
	res, text := c.do("GET", "")
	if res.StatusCode != http.StatusOK {
		c.t.Fatalf("GET: %d %s", res.StatusCode, text)
	}
	return text
}

// Post sends packets in one payload.
func (c *Polling) Post(packets ...string) {
	c.t.Helper()
	if res, text := c.do("POST", strings.Join(packets, "\x1e")); res.StatusCode != http.StatusOK {
		c.t.Fatalf("POST: %d %s", res.StatusCode, text)
	}
}

func (c *Polling) do(method, body string) (*http.Response, string) {
	c.t.Helper()
	r, err := http.NewRequest(method, c.URL, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.Headers != nil {
		r.Header = c.Headers.Clone()
	}
	return DoRequest(c.t, r)
}

// Upgrade upgrades the session to a websocket.
func (c *Polling) Upgrade() *WebSocket {
	c.t.Helper()
	url := strings.Replace(strings.Replace(c.URL, "http:", "ws:", 1), "transport=polling", "transport=websocket", 1)
	conn, res, err := websocket.DefaultDialer.Dial(url, c.Headers)
	if err != nil {
		c.t.Fatal(err)
	}
	res.Body.Close()
	c.t.Cleanup(func() { conn.Close() })
	ws := &WebSocket{t: c.t, Conn: conn}
	ws.Send("2probe")
	if got := ws.Read(); got != "3probe" {
		c.t.Fatalf("got %s", got)
	}
	ws.Send("5")
	return ws
}
