package socketio

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// panicOf returns the panic of f as text, "" without a panic.
func panicOf(f func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprint(v)
		}
	}()
	f()
	return ""
}

func noEvent(context.Context, *Conn, *Event) error { return nil }

// Registering a handler that could never run panics.
func TestInvalidRegistrations(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	plain := newStack(t, func(o *Options) { o.DisableBuiltins = true })
	on := func(s *testStack, namespace, event string) func() {
		return func() { s.sio.Of(namespace).On(event, noEvent) }
	}
	s.sio.Of("/n").On("taken", noEvent)
	const builtin = "the event is built in; use Server.Before to see it"
	for name, tt := range map[string]struct {
		register func()
		want     string
	}{
		"connection": {on(s, "/n", "connection"),
			`socketio: On("connection"): use OnConnect`},
		"disconnect": {on(s, "/n", "disconnect"),
			`socketio: On("disconnect"): use OnDisconnect`},
		"disconnecting": {on(s, "/n", "disconnecting"),
			`socketio: On("disconnecting"): use OnDisconnect`},
		"connect": {on(s, "/n", "connect"),
			`socketio: On("connect"): the name is reserved`},
		"connect_error": {on(s, "/n", "connect_error"),
			`socketio: On("connect_error"): the name is reserved`},
		"newListener": {on(s, "/n", "newListener"),
			`socketio: On("newListener"): the name is reserved`},
		"auth:refresh": {on(s, "/n", "auth:refresh"),
			`socketio: On("auth:refresh"): the name is reserved`},
		"duplicate": {on(s, "/n", "taken"),
			`socketio: On("taken"): the event has a handler already`},
		"duplicate in /": {func() {
			on(s, "", "x")()
			on(s, "/", "x")()
		}, `socketio: On("x"): the event has a handler already`},
		"built-in":         {on(s, "/", "subscribe"), `socketio: On("subscribe"): ` + builtin},
		"built-in ping":    {on(s, "/", "ping"), `socketio: On("ping"): ` + builtin},
		"other namespace":  {on(s, "/n", "subscribe"), ""},
		"plain":            {on(plain, "/", "subscribe"), ""},
		"same event in /m": {on(s, "/m", "taken"), ""},
		"no slash": {func() {
			s.sio.Of("chat")
		}, `socketio: namespace "chat": expected / and a name without , # ? of at most 128 bytes`},
		"comma": {func() {
			s.sio.Of("/a,b")
		}, `socketio: namespace "/a,b": expected / and a name without , # ? of at most 128 bytes`},
		"number sign": {func() {
			s.sio.Of("/a#b")
		}, `socketio: namespace "/a#b": expected / and a name without , # ? of at most 128 bytes`},
		"query": {func() {
			s.sio.Of("/a?b=1")
		},
			`socketio: namespace "/a?b=1": ` +
				`expected / and a name without , # ? of at most 128 bytes`},
		"longest": {func() { s.sio.Of("/" + strings.Repeat("n", 127)) }, ""},
		"too long": {func() { s.sio.Of("/" + strings.Repeat("n", 128)) },
			`socketio: namespace "/` + strings.Repeat("n", 128) +
				`": expected / and a name without , # ? of at most 128 bytes`},
		"app 33": {func() {
			for range maxApps {
				s.sio.Mount(builtinEvents{}, nil)
			}
		}, "socketio: too many applications"},
	} {
		if got := panicOf(tt.register); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// The error of OnConnect becomes the client's connect_error: message and data of Refuse, the code
// of known errors, and no details of others.
func TestConnectErrors(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	loop := map[string]any{}
	loop["loop"] = func() {}
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"message": {Refuse("Please reload", nil), `{"message":"Please reload"}`},
		"object": {Refuse("Please reload", map[string]any{"code": "too_old", "n": 1}),
			`{"message":"Please reload","data":{"code":"too_old","n":1}}`},
		"text":        {Refuse("no", "why"), `{"message":"no","data":"why"}`},
		"number":      {Refuse("no", 7), `{"message":"no","data":7}`},
		"no escaping": {Refuse("<&>", []string{"<"}), `{"message":"<&>","data":["<"]}`},
		"empty":       {Refuse("", nil), `{"message":""}`},
		"not JSON":    {Refuse("no", loop), `{"message":"no","data":{"code":"internal"}}`},
		"wrapped":     {fmt.Errorf("look-up: %w", Refuse("no", nil)), `{"message":"no"}`},
		"auth": {auth.ErrForbidden,
			`{"message":"Forbidden","data":{"code":"forbidden"}}`},
		"argument": {&ArgumentError{0, "is missing"},
			`{"message":"Validation failed","data":{` +
				`"code":"validation","detail":"argument 1: is missing"}}`},
		"validation": {&notify.ValidationError{Field: "room", Reason: "is empty"},
			`{"message":"Validation failed","data":{` +
				`"code":"validation","detail":"room: is empty"}}`},
		"any other": {errors.New("dial tcp 10.0.0.7: refused"),
			`{"message":"Internal error","data":{"code":"internal"}}`},
		"not served": {ErrNotServed,
			`{"message":"Internal error","data":{"code":"internal"}}`},
		"context": {context.DeadlineExceeded,
			`{"message":"Internal error","data":{"code":"internal"}}`},
		"client has left": {ErrClosed, `{"message":"Internal error","data":{"code":"internal"}}`},
	} {
		namespace := "/" + strings.ReplaceAll(name, " ", "-")
		s.sio.Of(namespace).OnConnect(func(context.Context, *Conn) error { return tt.err })
		s.sio.Of(namespace).OnDisconnect(func(*Conn, string) {
			t.Errorf("%s: a refused client has a disconnect", name)
		})
		c := s.Dial("")
		c.Send("40" + namespace + `,{"userId":"u1"}`)
		if got, want := c.Read(), "44"+namespace+","+tt.want; got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
	servertest.Eventually(t, "no member remains", func() bool { return len(s.Hub.Members()) == 0 })
}

// The error of a handler becomes the acknowledgement. A client that asked for none receives
// nothing.
func TestHandlerErrors(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	failures := map[string]error{
		"refuse":   Refuse("not now", map[string]any{"code": "busy"}),
		"auth":     auth.ErrForbidden,
		"argument": (&Event{}).Bind(new(string)),
		"other":    errors.New("dial tcp 10.0.0.7: refused"),
	}
	for name, err := range failures {
		s.sio.Of("/").On(name, func(context.Context, *Conn, *Event) error { return err })
	}
	c, _ := s.Connect(`{"userId":"u1"}`)
	for in, want := range map[string]string{
		`["refuse"]`:   `[{"error":{"code":"busy","detail":"not now"}}]`,
		`["auth"]`:     `[{"error":{"code":"forbidden"}}]`,
		`["argument"]`: `[{"error":{"code":"validation","detail":"argument 1: is missing"}}]`,
		`["other"]`:    `[{"error":{"code":"internal"}}]`,
	} {
		c.Send("42" + in)
		c.Send("421" + in)
		if got := c.Read(); got != "431"+want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	c.Sync()
}

// Before runs in order ahead of every application, and its error hides the event from all of them.
func TestBefore(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	var seen []string // handlers of one client run one at a time
	s.sio.Before(func(_ context.Context, c *Conn, e *Event) error {
		seen = append(seen, "first "+e.Name)
		if e.Name == "acknowledged" {
			e.Ack("by the first")
		}
		return nil
	})
	s.sio.Before(func(_ context.Context, c *Conn, e *Event) error {
		seen = append(seen, "second "+e.Name)
		if strings.HasPrefix(e.Name, "admin:") && c.Identity().UserID != "root" {
			return auth.ErrForbidden
		}
		return nil
	})
	s.sio.Of("/").On("admin:reset", func(context.Context, *Conn, *Event) error {
		t.Error("the handler ran")
		return nil
	})
	s.sio.Of("/").On("acknowledged", func(_ context.Context, _ *Conn, e *Event) error {
		e.Ack("by the handler")
		return nil
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`421["admin:reset"]`)
	c.Send(`422["acknowledged"]`)
	c.Send(`423["join-room","r"]`)
	c.Send(`424["unknown"]`)
	c.Send(`425["auth:refresh",{"token":"x"}]`) // it carries a token, so no handler sees it
	expectExactly(t, c, `431[{"error":{"code":"forbidden"}}]`, `432["by the first"]`,
		`42["room-joined",{"room":"r","timestamp":*},"ID"]`, `433[{"room":"r","timestamp":*}]`,
		`434[{"error":{"code":"unknown_event"}}]`)
	c.Event("error", nil)
	c.Read()
	c.Sync()
	got, want := strings.Join(seen, ", "),
		"first admin:reset, second admin:reset, first acknowledged, second acknowledged, "+
			"first join-room, second join-room, first unknown, second unknown, first ping, "+
			"second ping"
	if got != want {
		t.Errorf("seen %s\nwant %s", got, want)
	}
}
