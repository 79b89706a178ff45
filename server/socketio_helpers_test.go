package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/sse"
)

// testStack is the service with both transports on a real listener.
type testStack struct {
	t    testing.TB
	hub  *notify.Hub
	sio  *Server
	base string // host:port
}

func newStack(t testing.TB, change func(*Options), changeService ...func(*ServiceOptions)) *testStack {
	t.Helper()
	hub := newTestHub(t)
	authenticator, err := auth.New(auth.Options{Mode: auth.ModeOpen})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Hub: hub, Auth: authenticator}
	if change != nil {
		change(&o)
	}
	hub = o.Hub
	sio, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	streams := sse.New(sse.Options{Hub: hub, Auth: o.Auth, DefaultChannels: o.DefaultChannels, Problem: WriteProblem, Written: streamWritten(o.Metrics), Log: o.Log})
	so := ServiceOptions{
		Hub: hub, SocketIO: sio, Streams: streams, APIKeys: []string{testKey}, Log: o.Log,
	}
	so.Metrics, _ = o.Metrics.(*Metrics)
	for _, change := range changeService {
		change(&so)
	}
	service := NewService(so)
	base := serveHTTP(t, service.Handler())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := service.close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &testStack{t: t, hub: hub, sio: sio, base: base}
}

// wsClient speaks Engine.IO over a websocket in plain text.
type wsClient struct {
	t    testing.TB
	conn *websocket.Conn
}

func (s *testStack) dial(query string) *wsClient {
	s.t.Helper()
	conn, res, err := websocket.DefaultDialer.Dial("ws://"+s.base+"/socket.io/?EIO=4&transport=websocket"+query, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	res.Body.Close()
	c := &wsClient{t: s.t, conn: conn}
	s.t.Cleanup(func() { conn.Close() })
	if open := c.read(); !strings.HasPrefix(open, "0{") {
		s.t.Fatalf("the first packet is %q, want OPEN", open)
	}
	return c
}

// connect joins "/" and returns the data of `connected`.
func (s *testStack) connect(authPayload string) (*wsClient, connectedEvent) {
	s.t.Helper()
	c := s.dial("")
	return c, c.join(authPayload)
}

func (c *wsClient) join(authPayload string) connectedEvent {
	c.t.Helper()
	c.send("40" + authPayload)
	if reply := c.read(); !strings.HasPrefix(reply, `40{"sid":"`) {
		c.t.Fatalf("the answer to CONNECT is %q", reply)
	}
	var connected connectedEvent
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
	if !strings.HasPrefix(text, "42[") || json.Unmarshal([]byte(text[2:]), &args) != nil || string(args[0]) != string(quote(name)) {
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

func (s *testStack) publish(body string) notify.Receipt {
	s.t.Helper()
	res, text := publishTo(s.t, "http://"+s.base, body)
	if res.StatusCode != http.StatusOK {
		s.t.Fatalf("publish: %d %s", res.StatusCode, text)
	}
	var receipt notify.Receipt
	if err := json.Unmarshal([]byte(text), &receipt); err != nil {
		s.t.Fatal(err)
	}
	return receipt
}

// alive proves that the server still serves after what a test did to it.
func (s *testStack) alive() {
	s.t.Helper()
	c, _ := s.connect(`{"userId":"prober"}`)
	c.sync()
	c.conn.Close()
}

var volatileParts = regexp.MustCompile(`"timestamp":"[^"]*"|"[0-9a-f]{8}-[0-9]+"|"(sid|pid|clientId|socketId)":"[^"]*"`)

// masked replaces what differs in each run.
func masked(text string) string {
	return volatileParts.ReplaceAllStringFunc(text, func(part string) string {
		if name, _, found := strings.Cut(part, ":"); found {
			return name + ":*"
		}
		return `"ID"`
	})
}

func userJSON(id string) string { return fmt.Sprintf(`{"userId":%q}`, id) }

func withTimeout(t testing.TB, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

// streamWritten counts the writes of streams together with those of Socket.IO.
func streamWritten(counts SocketMetrics) func(int, time.Time) {
	if m, ok := counts.(*Metrics); ok {
		return m.WrittenBy("sse")
	}
	return nil
}
