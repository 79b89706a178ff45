package servertest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// WebSocket speaks Engine.IO over a websocket in plain text.
type WebSocket struct {
	t    testing.TB
	Conn *websocket.Conn
}

func (c *WebSocket) Join(authPayload string) Connected {
	c.t.Helper()
	c.Send("40" + authPayload)
	if reply := c.Read(); !strings.HasPrefix(reply, `40{"sid":"`) {
		c.t.Fatalf("the answer to CONNECT is %q", reply)
	}
	var connected Connected
	c.Event("connected", &connected)
	return connected
}

func (c *WebSocket) Send(text string) {
	c.t.Helper()
	if err := c.Conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *WebSocket) SendBinary(data []byte) {
	c.t.Helper()
	if err := c.Conn.WriteMessage(websocket.BinaryMessage, data); err != nil {
		c.t.Fatal(err)
	}
}

// Next reads one message; pings are answered and passed over.
func (c *WebSocket) Next() (string, error) {
	for {
		_ = c.Conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		kind, data, err := c.Conn.ReadMessage()
		if err != nil {
			return "", err
		}
		if kind == websocket.TextMessage && string(data) == "2" {
			if err := c.Conn.WriteMessage(websocket.TextMessage, []byte("3")); err != nil {
				return "", err
			}
			continue
		}
		return string(data), nil
	}
}

func (c *WebSocket) Read() string {
	c.t.Helper()
	text, err := c.Next()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return text
}

// Event reads the next message, which must be that event, decodes its first
// argument and returns the id it ends with.
func (c *WebSocket) Event(name string, arg any) (id string) {
	c.t.Helper()
	text := c.Read()
	var args []json.RawMessage
	if !strings.HasPrefix(text, "42[") || json.Unmarshal([]byte(text[2:]), &args) != nil || string(args[0]) != string(JSON(name)) {
		c.t.Fatalf("got %s, want the event %q", text, name)
	}
	if arg != nil {
		if err := json.Unmarshal(args[1], arg); err != nil {
			c.t.Fatalf("%s: %v", text, err)
		}
	}
	_ = json.Unmarshal(args[len(args)-1], &id)
	return id
}

// Closed reads until the server closes, and returns what came before.
func (c *WebSocket) Closed() (before []string) {
	c.t.Helper()
	for {
		text, err := c.Next()
		if err != nil {
			if strings.Contains(err.Error(), "timeout") {
				c.t.Fatal("the connection is still open")
			}
			return before
		}
		before = append(before, text)
	}
}

// Sync makes sure that everything sent before has been handled.
func (c *WebSocket) Sync() {
	c.t.Helper()
	c.Send(`42999["ping"]`)
	for {
		if text := c.Read(); strings.HasPrefix(text, "43999[") {
			return
		}
	}
}

// JoinWithPid connects and returns sid, pid and the id that `connected` ends with.
func (c *WebSocket) JoinWithPid(payload string) (sid, pid, offset string, connected Connected) {
	c.t.Helper()
	c.Send("40" + payload)
	var reply struct{ Sid, Pid string }
	if text := c.Read(); !strings.HasPrefix(text, "40{") || json.Unmarshal([]byte(text[2:]), &reply) != nil {
		c.t.Fatalf("the answer to CONNECT is %q", text)
	}
	offset = c.Event("connected", &connected)
	return reply.Sid, reply.Pid, offset, connected
}
