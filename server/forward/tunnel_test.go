package forward

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/server/servertest"
)

// echo upgrades requests of a node and echoes messages. The channel gets the end of each.
func (n *testNode) echo() (ended chan error) {
	ended = make(chan error, 100)
	var upgrader websocket.Upgrader
	n.handle(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		for {
			kind, data, err := conn.ReadMessage()
			if err == nil {
				err = conn.WriteMessage(kind, data)
			}
			if err != nil {
				ended <- err
				return
			}
		}
	})
	return ended
}

func (n *testNode) dial(tag string) *websocket.Conn {
	conn, res, err := websocket.DefaultDialer.Dial(strings.Replace(n.url(tag), "http:", "ws:", 1), nil)
	if err != nil {
		panic(err)
	}
	res.Body.Close()
	return conn
}

func expectEcho(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(servertest.Patience))
	if _, got, err := conn.ReadMessage(); err != nil || string(got) != text {
		t.Fatalf("got %.100q, %v", got, err)
	}
}

func expectEnd(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(servertest.Patience))
	_, data, err := conn.ReadMessage()
	var timeout net.Error
	if timeout, _ = err.(net.Error); err == nil || timeout != nil && timeout.Timeout() {
		t.Errorf("the connection is open: %q, %v", data, err)
	}
	conn.Close()
}

// TestDrainEndsUpgradedConnections drains a node while connections of another one go by it.
func TestDrainEndsUpgradedConnections(t *testing.T) {
	t.Parallel()
	c := &cluster{t: t}
	a, b := c.start("aaaa", nil), c.start("bbbb", nil)
	ended := b.echo()
	var conns []*websocket.Conn
	for range 5 {
		conn := a.dial("bbbb")
		expectEcho(t, conn, strings.Repeat("x", 100_000))
		conns = append(conns, conn)
	}
	asked := 0
	a.Drain(context.Background(), func(n int) time.Duration { asked = n; return 50 * time.Millisecond })
	if asked != 5 {
		t.Errorf("%d connections are drained, want 5", asked)
	}
	for _, conn := range append(conns, a.dial("bbbb")) { // also one that comes late
		expectEnd(t, conn)
		servertest.Receive(t, ended)
	}
	servertest.Eventually(t, "the slots are free", func() bool {
		a.slots.mu.Lock()
		defer a.slots.mu.Unlock()
		return a.slots.used == 0
	})
}

// TestUpgradedConnectionsEndOnBothSides ends connections at the client, and at the owner.
func TestUpgradedConnectionsEndOnBothSides(t *testing.T) {
	t.Parallel()
	c := &cluster{t: t}
	a, b := c.start("aaaa", nil), c.start("bbbb", nil)
	ended := b.echo()
	conn := a.dial("bbbb")
	expectEcho(t, conn, "one")
	conn.Close()
	servertest.Receive(t, ended)

	var upgrader websocket.Upgrader
	b.handle(func(w http.ResponseWriter, r *http.Request) {
		if conn, err := upgrader.Upgrade(w, r, nil); err == nil {
			_ = conn.WriteControl(websocket.CloseMessage,
				websocket.FormatCloseMessage(1001, "bye"), time.Now().Add(time.Second))
			conn.Close()
		}
	})
	conn = a.dial("bbbb")
	_ = conn.SetReadDeadline(time.Now().Add(servertest.Patience))
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, 1001) {
		t.Errorf("got %v, want the close frame", err)
	}
	conn.Close()
}

// TestOtherUpgradesDoNotPass checks that a tunnel is for WebSockets only.
func TestOtherUpgradesDoNotPass(t *testing.T) {
	t.Parallel()
	c := &cluster{t: t}
	a, b := c.start("aaaa", nil), c.start("bbbb", nil)
	b.handle(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("upgrade " + r.Header.Get("Upgrade") + r.Header.Get("Connection")))
	})
	_, text := servertest.Do(t, "GET", a.url("bbbb"), "", "Connection: Upgrade", "Upgrade: h2c")
	if text != "upgrade " {
		t.Errorf("got %q", text)
	}
}
