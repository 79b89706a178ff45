package server

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// wsClient speaks Engine.IO over a websocket in plain text.
type wsClient struct {
	t    testing.TB
	conn *websocket.Conn
}

func (c *wsClient) join(authPayload string) connectedMessage {
	c.t.Helper()
	c.send("40" + authPayload)
	if reply := c.read(); !strings.HasPrefix(reply, `40{"sid":"`) {
		c.t.Fatalf("the answer to CONNECT is %q", reply)
	}
	var connected connectedMessage
	c.event("connected", &connected)
	return connected
}

func (c *wsClient) send(text string) {
	c.t.Helper()
	if err := c.conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *wsClient) sendBinary(data []byte) {
	c.t.Helper()
	if err := c.conn.WriteMessage(websocket.BinaryMessage, data); err != nil {
		c.t.Fatal(err)
	}
}

// next reads one message; pings are answered and passed over.
func (c *wsClient) next() (string, error) {
	for {
		_ = c.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		kind, data, err := c.conn.ReadMessage()
		if err != nil {
			return "", err
		}
		if kind == websocket.TextMessage && string(data) == "2" {
			if err := c.conn.WriteMessage(websocket.TextMessage, []byte("3")); err != nil {
				return "", err
			}
			continue
		}
		return string(data), nil
	}
}

func (c *wsClient) read() string {
	c.t.Helper()
	text, err := c.next()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return text
}

// event reads the next message, which must be that event, decodes its first
// argument and returns the id it ends with.
func (c *wsClient) event(name string, arg any) (id string) {
	c.t.Helper()
	text := c.read()
	var args []json.RawMessage
	if !strings.HasPrefix(text, "42[") || json.Unmarshal([]byte(text[2:]), &args) != nil || string(args[0]) != string(mustJSON(name)) {
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

// closed reads until the server closes, and returns what came before.
func (c *wsClient) closed() (before []string) {
	c.t.Helper()
	for {
		text, err := c.next()
		if err != nil {
			if strings.Contains(err.Error(), "timeout") {
				c.t.Fatal("the connection is still open")
			}
			return before
		}
		before = append(before, text)
	}
}

// sync makes sure that everything sent before has been handled.
func (c *wsClient) sync() {
	c.t.Helper()
	c.send(`42999["ping"]`)
	for {
		if text := c.read(); strings.HasPrefix(text, "43999[") {
			return
		}
	}
}

// joinWithPid connects and returns sid, pid and the id that `connected` ends with.
func (c *wsClient) joinWithPid(payload string) (sid, pid, offset string, connected connectedMessage) {
	c.t.Helper()
	c.send("40" + payload)
	var reply struct{ Sid, Pid string }
	if text := c.read(); !strings.HasPrefix(text, "40{") || json.Unmarshal([]byte(text[2:]), &reply) != nil {
		c.t.Fatalf("the answer to CONNECT is %q", text)
	}
	offset = c.event("connected", &connected)
	return reply.Sid, reply.Pid, offset, connected
}
