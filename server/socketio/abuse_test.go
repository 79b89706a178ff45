package socketio

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
)

// Packets that no client of the protocol sends: each ends its own connection and
// nothing else.
func TestMalformedPacketsCloseTheirConnectionOnly(t *testing.T) {
	s := newStack(t, nil)
	for _, in := range []string{
		"42", "450-", "43", "431", "42{}", `42["connect"]`, "44{}", "48", "4", "420", "42[null]", `41x`, `40[]`, `40"x"`,
		"4510000000000-[\"x\"]", `450-["x"]`, `4511-["x"]`, `42/nowhere,["x"]`, `41/nowhere,`, `43/nowhere,1[]`,
		`42["` + strings.Repeat("x", 10) + `",` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `]`,
		`451-["x",{"_placeholder":true,"num":0}]` + "\x00binary",
		`451-["x",{"_placeholder":true,"num":0}]` + "\x0042[\"y\"]",
	} {
		c, _ := s.Connect(`{"userId":"u1"}`)
		text, extra, found := strings.Cut(in, "\x00")
		c.Send(text)
		switch {
		case extra == "binary":
			c.SendBinary(make([]byte, 999_990)) // with its packet over the limit
		case found:
			c.Send(extra)
		}
		for _, got := range c.Closed() {
			if got != "1" {
				t.Errorf("%.40q was answered %q", in, got)
			}
		}
	}
	s.Alive()
}

func TestEventsBeforeConnectClose(t *testing.T) {
	s := newStack(t, nil)
	for _, in := range []string{`42["x"]`, `431[]`, `41`} {
		c := s.Dial("")
		c.Send(in)
		c.Closed()
	}
	c := s.Dial("") // says nothing
	_ = c
	s.Alive()
}

func TestSilentClientsAreClosed(t *testing.T) {
	s := newStack(t, func(o *Options) {
		o.ConnectTimeout = 50 * time.Millisecond
		o.Limits = limit.New(limit.Options{MaxConnections: 20})
	})
	for range 16 {
		c := s.Dial("")
		defer c.Closed()
	}
	if res, body := servertest.Do(t, "GET", "http://"+s.Base+"/socket.io/?EIO=4&transport=polling", ""); res.StatusCode != 503 {
		t.Errorf("one more silent client got %d %s", res.StatusCode, body)
	}
	servertest.Eventually(t, "all are closed", func() bool { return s.sio.engine.Len() == 0 })
	s.Alive()
}

func TestPanicsStayInTheirConnection(t *testing.T) {
	s := newStack(t, nil)
	io := s.sio.IO()
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
	_ = io.Of(regexp.MustCompile(`^/dyn-\d+$`), nil).On("connection", func(args ...any) { panic("child") })

	c := s.Dial("")
	c.Send(`40{"userId":"u1","panic":"middleware"}`)
	if got := c.Read(); got != `44{"data":{"code":"internal"},"message":"Internal error"}` {
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
	servertest.Eventually(t, "nobody stays", func() bool { return s.Hub.Total() == 0 })
	s.Alive()
}

func TestDynamicNamespacesAreAuthenticated(t *testing.T) {
	s := newStack(t, withTokens(t))
	used := 0
	parent := s.sio.IO().Of(regexp.MustCompile(`^/dyn-\d+$`), nil)
	parent.Use(func(_ *socket.Socket, next func(*socket.ExtendedError)) { used++; next(nil) })
	_ = parent.On("connection", func(args ...any) { _ = args[0].(*socket.Socket).Emit("hello", "child") })
	c := s.Dial("")
	c.Send(`40/dyn-1,`)
	if got := c.Read(); got != `44/dyn-1,{"message":"Authentication required","data":{"code":"unauthenticated"}}` {
		t.Fatalf("got %s", got)
	}
	token := servertest.SignHS256(t, servertest.Secret, map[string]any{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()})
	for i := range 3 {
		c.Send(fmt.Sprintf(`40/dyn-%d,{"token":%q}`, i, token))
		if got := servertest.Masked(c.Read()); got != fmt.Sprintf(`40/dyn-%d,{"sid":*,"pid":*}`, i) {
			t.Fatalf("got %s", got)
		}
		if got := servertest.Masked(c.Read()); got != fmt.Sprintf(`42/dyn-%d,["hello","child","ID"]`, i) {
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

func TestAttachmentsAreAwaitedForALimitedTime(t *testing.T) {
	var a assembly
	if p, err := a.add([]byte(`51-["x",{"_placeholder":true,"num":0}]`), false, 1000); p != nil || err != nil {
		t.Fatal(p, err)
	}
	if now := time.Now(); a.overdue(now.Add(9*time.Second)) || !a.overdue(now.Add(11*time.Second)) {
		t.Error("overdue is not after ten seconds")
	}
}
