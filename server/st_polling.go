package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// pollClient speaks Engine.IO over long-polling, one request at a time.
type pollClient struct {
	t   testing.TB
	url string
}

func (c *pollClient) get() string {
	c.t.Helper()
	res, text := do(c.t, "GET", c.url, "")
	if res.StatusCode != http.StatusOK {
		c.t.Fatalf("GET: %d %s", res.StatusCode, text)
	}
	return text
}

func (c *pollClient) post(packets ...string) {
	c.t.Helper()
	if res, text := do(c.t, "POST", c.url, strings.Join(packets, "\x1e")); res.StatusCode != http.StatusOK {
		c.t.Fatalf("POST: %d %s", res.StatusCode, text)
	}
}

// upgrade moves the session to a websocket.
func (c *pollClient) upgrade() *wsClient {
	c.t.Helper()
	url := strings.Replace(strings.Replace(c.url, "http:", "ws:", 1), "transport=polling", "transport=websocket", 1)
	conn, res, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	res.Body.Close()
	c.t.Cleanup(func() { conn.Close() })
	ws := &wsClient{t: c.t, conn: conn}
	ws.send("2probe")
	if got := ws.read(); got != "3probe" {
		c.t.Fatalf("got %s", got)
	}
	ws.send("5")
	return ws
}
