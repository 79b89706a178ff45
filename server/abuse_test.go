package server

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"
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
		c, _ := s.connect(`{"userId":"u1"}`)
		text, extra, found := strings.Cut(in, "\x00")
		c.send(text)
		switch {
		case extra == "binary":
			c.sendBinary(make([]byte, 999_990)) // with its packet over the limit
		case found:
			c.send(extra)
		}
		for _, got := range c.closed() {
			if got != "1" {
				t.Errorf("%.40q was answered %q", in, got)
			}
		}
	}
	s.alive()
}

func TestEventsBeforeConnectClose(t *testing.T) {
	s := newStack(t, nil)
	for _, in := range []string{`42["x"]`, `431[]`, `41`} {
		c := s.dial("")
		c.send(in)
		c.closed()
	}
	c := s.dial("") // says nothing
	_ = c
	s.alive()
}

func TestSilentClientsAreClosed(t *testing.T) {
	s := newStack(t, func(o *Options) {
		o.ConnectTimeout = 50 * time.Millisecond
		o.Limits = NewLimiter(LimitOptions{MaxConnections: 20})
	})
	for range 16 {
		c := s.dial("")
		defer c.closed()
	}
	if res, body := do(t, "GET", "http://"+s.base+"/socket.io/?EIO=4&transport=polling", ""); res.StatusCode != 503 {
		t.Errorf("one more silent client got %d %s", res.StatusCode, body)
	}
	eventually(t, "all are closed", func() bool { return s.sio.engine.Len() == 0 })
	s.alive()
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

	c := s.dial("")
	c.send(`40{"userId":"u1","panic":"middleware"}`)
	if got := c.read(); got != `44{"data":{"code":"internal"},"message":"Internal error"}` {
		t.Errorf("got %s", got)
	}
	c, _ = s.connect(`{"userId":"u1","panic":"connection"}`)
	c.sync()
	c.send(`42["panic"]`)
	c.closed()
	for _, leave := range []string{"41", ""} {
		c, _ = s.connect(`{"userId":"u1","panic":"disconnect"}`)
		if leave != "" {
			c.send(leave)
			c.send(`40{"userId":"u1"}`)
			c.read()
		}
		c.conn.Close()
	}
	c = s.dial("")
	c.send(`40/dyn-1,{"userId":"u1"}`)
	c.read()
	eventually(t, "all panics are counted", func() bool { return s.sio.Panics() >= 6 })
	eventually(t, "nobody stays", func() bool { return s.hub.Total() == 0 })
	s.alive()
}

func TestDynamicNamespacesAreAuthenticated(t *testing.T) {
	s := newStack(t, withTokens(t))
	used := 0
	parent := s.sio.IO().Of(regexp.MustCompile(`^/dyn-\d+$`), nil)
	parent.Use(func(_ *socket.Socket, next func(*socket.ExtendedError)) { used++; next(nil) })
	_ = parent.On("connection", func(args ...any) { _ = args[0].(*socket.Socket).Emit("hello", "child") })
	c := s.dial("")
	c.send(`40/dyn-1,`)
	if got := c.read(); got != `44/dyn-1,{"message":"Authentication required","data":{"code":"unauthenticated"}}` {
		t.Fatalf("got %s", got)
	}
	token := signHS256(t, testSecret, map[string]any{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()})
	for i := range 3 {
		c.send(fmt.Sprintf(`40/dyn-%d,{"token":%q}`, i, token))
		if got := masked(c.read()); got != fmt.Sprintf(`40/dyn-%d,{"sid":*,"pid":*}`, i) {
			t.Fatalf("got %s", got)
		}
		if got := masked(c.read()); got != fmt.Sprintf(`42/dyn-%d,["hello","child","ID"]`, i) {
			t.Fatalf("got %s", got)
		}
	}
	_ = parent.Emit("all", 1)
	for range 3 {
		if got := c.read(); !strings.Contains(got, `["all",1,"`) {
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
