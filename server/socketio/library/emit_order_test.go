package library

import (
	"strings"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// An emit that asks for an acknowledgement, and the acknowledgement of an event, keep their order
// among the other emits of their handler.
func TestEmitsWithAcknowledgementsKeepOrder(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*socketio.Options){
		"with recovery": nil, "without": func(o *socketio.Options) { o.DisableRecovery = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, change)
			done := make(chan struct{})
			_ = s.io.On("connection", func(args ...any) {
				client := args[0].(*socket.Socket)
				client.Join("r")
				_ = client.On("go", func(args ...any) {
					defer close(done)
					_ = client.Emit("one", 1)
					_ = client.Emit("two", 2, func([]any, error) {})
					_ = s.io.To("r").Emit("three", 3)
					_ = client.Emit("four", 4)
					args[0].(socket.Ack)([]any{"five"}, nil)
				})
			})
			c := s.Poll()
			c.Post(`40{"userId":"u1"}`)
			c.Get()
			c.Post(`427["go"]`)
			servertest.Receive(t, done)
			text, last := c.Get(), -1
			for _, name := range []string{"one", "two", "three", "four", "five"} {
				at := strings.Index(text, `"`+name+`"`)
				if at < last {
					t.Errorf("%q is out of order: %s", name, text)
				}
				last = at
			}
		})
	}
}

// A burst of emits waits for its client, also without recovery.
func TestEmitBurstKeepsClientOpen(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*socketio.Options){
		"with recovery": nil, "without": func(o *socketio.Options) { o.DisableRecovery = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, change)
			const n = 100
			done := make(chan struct{})
			_ = s.io.On("connection", func(args ...any) {
				client := args[0].(*socket.Socket)
				_ = client.On("history", func(...any) {
					defer close(done)
					for range n {
						_ = client.Emit("line", strings.Repeat("x", 1024))
					}
				})
			})
			c := s.Poll()
			c.Post(`40{"userId":"u1"}`)
			c.Get()
			c.Post(`42["history"]`)
			servertest.Receive(t, done)
			text := ""
			for strings.Count(text, `["line",`) < n {
				more := c.Get()
				if more == "1" {
					t.Fatalf("closed after %d of %d", strings.Count(text, `["line",`), n)
				}
				text += more
			}
		})
	}
}

// A reply follows the earlier emits of its namespace, also while another namespace still has
// notifications that did not fit into the transport.
func TestReplyFollowsEmitsOfItsNamespace(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	done := make(chan struct{})
	_ = s.io.Of("/admin", nil).On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		_ = client.On("go", func(args ...any) {
			defer close(done)
			_ = client.Emit("one", 1)
			args[0].(socket.Ack)([]any{"two"}, nil)
		})
	})
	c := s.Poll()
	c.Post(`40{"userId":"u1"}`, `40/admin,{"userId":"u1"}`)
	for text := ""; !strings.Contains(text, "40/admin,"); {
		text += c.Get()
	}
	for range 3 { // more than the response to one poll holds
		s.io.Emit("large", strings.Repeat("x", 200<<10))
	}
	got := c.Get()
	c.Post(`42/admin,7["go"]`)
	servertest.Receive(t, done)
	for !strings.Contains(got, "43/admin,7") {
		got += c.Get()
	}
	one, two := strings.Index(got, `42/admin,["one"`), strings.Index(got, `43/admin,7["two"]`)
	if one < 0 || two < one {
		t.Errorf("the notification is at %d, the acknowledgement after it at %d", one, two)
	}
}
