package library

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// A new token replaces the client's rights in all of its namespaces.
func TestRefreshChangesRights(t *testing.T) {
	t.Parallel()
	s := newStack(t, withTokens(t))
	members := make(chan *socket.Socket, 1)
	_ = s.io.Of("/chat", nil).On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		client.Join("given")
		members <- client
	})
	begin := time.Now()
	c := s.Dial("")
	token := servertest.TokenFor(t, begin.Add(time.Minute), "a", "b")
	connected := c.Join(`{"token":"` + token + `","channels":["a","b"]}`)
	c.Send(`40/chat,{"token":"` + servertest.TokenFor(t, begin.Add(time.Minute)) + `"}`)
	if reply := c.Read(); !strings.HasPrefix(reply, "40/chat,") {
		t.Fatalf("the answer to CONNECT is %s", reply)
	}
	chat := servertest.Receive(t, members)

	c.Send(refreshPacket("", servertest.TokenFor(t, begin.Add(time.Hour), "b", "c")))
	c.Event("auth:refreshed", nil)
	root := s.Hub.Member("/", connected.ClientID)
	if root.In("a") || !root.In("b") || !root.In("user:u1") || !root.In("*") {
		t.Errorf("rooms %q", root.Rooms())
	}
	if m := s.Hub.Member("/chat", string(chat.Id())); !m.In("/chat#given") {
		t.Errorf("a room that the server gave was taken: %q", m.Rooms())
	} else {
		end := m.Owner().(*socketio.Conn).Identity().ExpiresAt
		if end.Before(begin.Add(30 * time.Minute)) {
			t.Errorf("the end in /chat is still %s", end)
		}
	}
	c.Send(`42["subscribe",{"channels":["a","c"]}]`)
	got := servertest.Masked(c.Read())
	want := `42["subscribed",{"type":"subscribed","channels":["c"],"denied":["a"],`
	if !strings.HasPrefix(got, want) {
		t.Errorf("got %s", got)
	}
}

// A refused token changes nothing, and no handler sees it.
func TestRefreshRefusals(t *testing.T) {
	t.Parallel()
	s := newStack(t, withTokens(t))
	seen := make(chan string, 100)
	_ = s.io.On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		client.OnAny(func(args ...any) { seen <- fmt.Sprint(args...) })
		_ = client.On("auth:refresh", func(args ...any) { seen <- fmt.Sprint(args...) })
	})
	c := s.Dial("")
	token := servertest.TokenFor(t, time.Now().Add(time.Minute), "a")
	connected := c.Join(`{"token":"` + token + `","channels":["a"]}`)
	malformed := `{"code":"validation","message":"expected {\"token\": \"…\"}"}`
	for _, tt := range []struct{ arg, want string }{
		{``, malformed},
		{`,null`, malformed},
		{`,"token"`, malformed},
		{`,{"token":1}`, malformed},
		{`,{"token":""}`, malformed},
		{`,{"token":"x"},1`, malformed},
		{`,{"token":"x"}`, `{"code":"invalid_token","message":"Invalid token"}`},
		{`,{"token":"` + servertest.TokenFor(t, time.Unix(1, 0)) + `"}`,
			`{"code":"token_expired","message":"Token expired"}`},
		{`,{"token":"` + servertest.SignHS256(t, servertest.Secret,
			map[string]any{"sub": "u2", "exp": time.Now().Add(time.Hour).Unix()}) + `"}`,
			`{"code":"forbidden","message":"Forbidden"}`},
	} {
		c.Send(`427["auth:refresh"` + tt.arg + `]`)
		if got := c.Read(); !strings.HasPrefix(got, `42["error",`+tt.want+`,"`) {
			t.Errorf("%s: got %s", tt.arg, got)
		}
		if got := c.Read(); got != `437[{"error":`+tt.want+`}]` {
			t.Errorf("%s: got %s", tt.arg, got)
		}
	}
	if m := s.Hub.Member("/", connected.ClientID); !m.In("a") {
		t.Error("a refused token took a channel away")
	}
	c.Sync()
	if got := servertest.Receive(t, seen); !strings.HasPrefix(got, "ping") {
		t.Errorf("handlers saw %s", got)
	}
}

func refreshPacket(id, token string) string {
	return fmt.Sprintf(`42%s["auth:refresh",{"token":%q}]`, id, token)
}
