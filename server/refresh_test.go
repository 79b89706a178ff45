package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/zishang520/socket.io/v2/socket"
)

func refreshPacket(id, token string) string {
	return fmt.Sprintf(`42%s["auth:refresh",{"token":%q}]`, id, token)
}

// A new token moves the end of the connection, and is warned of anew.
func TestRefreshMovesTheEnd(t *testing.T) {
	s := newStack(t, func(o *Options) { withTokens(t)(o); o.SweepInterval = 20 * time.Millisecond })
	begin := time.Now()
	c := s.dial("")
	c.join(`{"token":"` + tokenFor(t, begin.Add(2*time.Second)) + `"}`)
	c.event("auth:expiring", nil)

	end := begin.Add(4 * time.Second).Truncate(time.Second)
	c.send(refreshPacket("7", tokenFor(t, end)))
	want := fmt.Sprintf(`{"type":"auth:refreshed","expiresAt":"%s"}`, notify.Timestamp(end))
	if got := c.read(); !strings.HasPrefix(got, `42["auth:refreshed",`+want+`,"`) {
		t.Fatalf("got %s", got)
	}
	if got := c.read(); got != "437["+want+"]" {
		t.Fatalf("got %s", got)
	}
	var expiring struct{ ExpiresAt string }
	c.event("auth:expiring", &expiring)
	if expiring.ExpiresAt != notify.Timestamp(end) {
		t.Errorf("warned of %s, want %s", expiring.ExpiresAt, notify.Timestamp(end))
	}
	c.event("auth:expired", nil)
	if now := time.Now(); now.Before(end) {
		t.Errorf("ended %s before the new end", end.Sub(now))
	}
	c.closed()
}

// With a new token come its rights, in every namespace of the client.
func TestRefreshChangesRights(t *testing.T) {
	s := newStack(t, withTokens(t))
	members := make(chan *socket.Socket, 1)
	_ = s.sio.IO().Of("/chat", nil).On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		client.Join("given")
		members <- client
	})
	begin := time.Now()
	c := s.dial("")
	connected := c.join(`{"token":"` + tokenFor(t, begin.Add(time.Minute), "a", "b") + `","channels":["a","b"]}`)
	c.send(`40/chat,{"token":"` + tokenFor(t, begin.Add(time.Minute)) + `"}`)
	if reply := c.read(); !strings.HasPrefix(reply, "40/chat,") {
		t.Fatalf("the answer to CONNECT is %s", reply)
	}
	chat := <-members

	c.send(refreshPacket("", tokenFor(t, begin.Add(time.Hour), "b", "c")))
	c.event("auth:refreshed", nil)
	root := s.hub.Member("/", connected.ClientID)
	if root.In("a") || !root.In("b") || !root.In("user:u1") || !root.In("*") {
		t.Errorf("rooms %q", root.Rooms())
	}
	if m := s.hub.Member("/chat", string(chat.Id())); !m.In("/chat#given") {
		t.Errorf("a room that the server gave was taken: %q", m.Rooms())
	} else if end := m.Owner().(*peer).who().ExpiresAt; end.Before(begin.Add(30 * time.Minute)) {
		t.Errorf("the end in /chat is still %s", end)
	}
	c.send(`42["subscribe",{"channels":["a","c"]}]`)
	if got := masked(c.read()); !strings.HasPrefix(got, `42["subscribed",{"type":"subscribed","channels":["c"],"denied":["a"],`) {
		t.Errorf("got %s", got)
	}
}

// What is refused changes nothing, and no handler sees the token.
func TestRefreshRefusals(t *testing.T) {
	s := newStack(t, withTokens(t))
	seen := make(chan string, 100)
	_ = s.sio.IO().On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		client.OnAny(func(args ...any) { seen <- fmt.Sprint(args...) })
		_ = client.On("auth:refresh", func(args ...any) { seen <- fmt.Sprint(args...) })
	})
	c := s.dial("")
	connected := c.join(`{"token":"` + tokenFor(t, time.Now().Add(time.Minute), "a") + `","channels":["a"]}`)
	malformed := `{"code":"validation","message":"expected {\"token\": \"…\"}"}`
	for _, tt := range []struct{ arg, want string }{
		{``, malformed},
		{`,null`, malformed},
		{`,"token"`, malformed},
		{`,{"token":1}`, malformed},
		{`,{"token":""}`, malformed},
		{`,{"token":"x"},1`, malformed},
		{`,{"token":"x"}`, `{"code":"invalid_token","message":"Invalid token"}`},
		{`,{"token":"` + tokenFor(t, time.Unix(1, 0)) + `"}`, `{"code":"token_expired","message":"Token expired"}`},
		{`,{"token":"` + signHS256(t, testSecret, map[string]any{"sub": "u2", "exp": time.Now().Add(time.Hour).Unix()}) + `"}`,
			`{"code":"forbidden","message":"Forbidden"}`},
	} {
		c.send(`427["auth:refresh"` + tt.arg + `]`)
		if got := c.read(); !strings.HasPrefix(got, `42["error",`+tt.want+`,"`) {
			t.Errorf("%s: got %s", tt.arg, got)
		}
		if got := c.read(); got != `437[{"error":`+tt.want+`}]` {
			t.Errorf("%s: got %s", tt.arg, got)
		}
	}
	if m := s.hub.Member("/", connected.ClientID); !m.In("a") {
		t.Error("a refused token took a channel away")
	}
	c.sync()
	if got := <-seen; !strings.HasPrefix(got, "ping") {
		t.Errorf("handlers saw %s", got)
	}
}
