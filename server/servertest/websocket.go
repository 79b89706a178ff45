package servertest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// WebSocket is an Engine.IO client over a websocket. Tests write and compare packets as text.
type WebSocket struct {
	t    testing.TB
	Conn *websocket.Conn
}

// Join connects to the namespace "/" and returns the data of the event `connected`.
func (c *WebSocket) Join(authPayload string) Connected {
	c.t.Helper()
	c.Send("40" + authPayload)
	if reply := c.Read(); !strings.HasPrefix(reply, `40{"sid":"`) {
		c.t.Fatalf("the reply to CONNECT is %q", reply)
	}
	var connected Connected
	c.Event("connected", &connected)
	return connected
}

// Send writes a text message.
func (c *WebSocket) Send(text string) {
	c.t.Helper()
	if err := c.Conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// SendBinary writes a binary message.
func (c *WebSocket) SendBinary(data []byte) {
	c.t.Helper()
	if err := c.Conn.WriteMessage(websocket.BinaryMessage, data); err != nil {
		c.t.Fatal(err)
	}
}

// Next returns the next message that is not a ping. It replies to pings.
func (c *WebSocket) Next() (string, error) {
	for {
		_ = c.Conn.SetReadDeadline(time.Now().Add(Patience))
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

// Read is Next without an error.
func (c *WebSocket) Read() string {
	c.t.Helper()
	text, err := c.Next()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return text
}

// Event reads the next message, which must be this event. It decodes the first argument into arg,
// unless arg is nil, and returns the last argument if it is a string: the id of the notification.
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

// Closed reads until the server closes the connection, and returns the messages before that.
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

// Sync returns when the server has handled all earlier packets of this client. It discards the
// messages that arrive until then.
func (c *WebSocket) Sync() {
	c.t.Helper()
	c.Send(`42999["ping"]`)
	for {
		if text := c.Read(); strings.HasPrefix(text, "43999[") {
			return
		}
	}
}

// JoinWithPid connects to the namespace "/". It returns the ids for a resume: the sid and the pid
// of the reply to CONNECT, and the offset, which is the last argument of the event `connected`.
func (c *WebSocket) JoinWithPid(payload string) (sid, pid, offset string, connected Connected) {
	c.t.Helper()
	c.Send("40" + payload)
	var reply struct{ Sid, Pid string }
	if text := c.Read(); !strings.HasPrefix(text, "40{") || json.Unmarshal([]byte(text[2:]), &reply) != nil {
		c.t.Fatalf("the reply to CONNECT is %q", text)
	}
	offset = c.Event("connected", &connected)
	return reply.Sid, reply.Pid, offset, connected
}
