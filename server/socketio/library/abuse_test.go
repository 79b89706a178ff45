package library

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/servertest"
)

func TestPanicsStayInTheirConnection(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	io := s.io
	io.Use(func(sock *socket.Socket, next func(*socket.ExtendedError)) {
		if sock.Handshake().Auth.(map[string]any)["panic"] == "middleware" {
			panic("middleware")
		}
		next(nil)
	})
	_ = io.On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		_ = client.On("panic", func(...any) { panic("handler") })
		_ = client.On("disconnect", func(...any) {
			if client.Handshake().Auth.(map[string]any)["panic"] == "disconnect" {
				panic("disconnect")
			}
		})
		if client.Handshake().Auth.(map[string]any)["panic"] == "connection" {
			panic("connection")
		}
	})
	_ = io.Of(regexp.MustCompile(`^/dyn-\d+$`), nil).On("connection", func(args ...any) {
		panic("child")
	})

	c := s.Dial("")
	c.Send(`40{"userId":"u1","panic":"middleware"}`)
	if got := c.Read(); got != `44{"message":"Internal error","data":{"code":"internal"}}` {
		t.Errorf("got %s", got)
	}
	c, _ = s.Connect(`{"userId":"u1","panic":"connection"}`)
	c.Sync()
	c.Send(`42["panic"]`)
	c.Closed()
	for _, leave := range []string{"41", ""} {
		c, _ = s.Connect(`{"userId":"u1","panic":"disconnect"}`)
		if leave != "" {
			c.Send(leave)
			c.Send(`40{"userId":"u1"}`)
			c.Read()
		}
		c.Conn.Close()
	}
	c = s.Dial("")
	c.Send(`40/dyn-1,{"userId":"u1"}`)
	c.Read()
	servertest.Eventually(t, "all panics are counted", func() bool { return s.sio.Panics() >= 6 })
	servertest.Eventually(t, "no member remains", func() bool { return s.Hub.Total() == 0 })
	s.Alive()
}

func TestDynamicNamespacesAreAuthenticated(t *testing.T) {
	t.Parallel()
	s := newStack(t, withTokens(t))
	used := 0
	parent := s.io.Of(regexp.MustCompile(`^/dyn-\d+$`), nil)
	parent.Use(func(_ *socket.Socket, next func(*socket.ExtendedError)) { used++; next(nil) })
	_ = parent.On("connection", func(args ...any) {
		_ = args[0].(*socket.Socket).Emit("hello", "child")
	})
	c := s.Dial("")
	c.Send(`40/dyn-1,`)
	want := `44/dyn-1,{"message":"Authentication required","data":{"code":"unauthenticated"}}`
	if got := c.Read(); got != want {
		t.Fatalf("got %s", got)
	}
	token := servertest.SignHS256(t, servertest.Secret,
		map[string]any{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()})
	for i := range 3 {
		c.Send(fmt.Sprintf(`40/dyn-%d,{"token":%q}`, i, token))
		want := fmt.Sprintf(`40/dyn-%d,{"sid":*,"pid":*}`, i)
		if got := servertest.Masked(c.Read()); got != want {
			t.Fatalf("got %s", got)
		}
		want = fmt.Sprintf(`42/dyn-%d,["hello","child","ID"]`, i)
		if got := servertest.Masked(c.Read()); got != want {
			t.Fatalf("got %s", got)
		}
	}
	_ = parent.Emit("all", 1)
	for range 3 {
		if got := c.Read(); !strings.Contains(got, `["all",1,"`) {
			t.Errorf("got %s", got)
		}
	}
	if used != 3 {
		t.Errorf("the parent's middleware ran %d times", used)
	}
}

// The Hub writes '#' between a namespace and a room, so a namespace "/dyn#room" would have the name
// of a room of "/dyn".
func TestInvalidNamespaceNamesAreRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.io.Of(regexp.MustCompile(`^/dyn`), nil)
	for _, name := range []string{"/dyn#room", "/dyn?x=1"} {
		c := s.Dial("")
		c.Send(`40` + name + `,{"userId":"u1"}`)
		if got, want := c.Read(), `44`+name+`,{"message":"Invalid namespace"}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
