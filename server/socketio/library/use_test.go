package library

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/servertest"
)

// notes collects lines from several goroutines.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

func (n *notes) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lines)
}

// onConnection registers a "connection" handler of "/".
func (s *testStack) onConnection(f func(*socket.Socket)) {
	_ = s.io.On("connection", func(args ...any) { f(args[0].(*socket.Socket)) })
}

// Functions given to Use run in order, also when each answers later on a separate goroutine, and
// the handler runs after them. Only the first answer of each counts.
func TestUseRunsInOrder(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	var seen notes
	s.onConnection(func(client *socket.Socket) {
		for _, name := range []string{"a", "b", "c"} {
			client.Use(func(event []any, next func(error)) {
				seen.add(name)
				event[1] = event[1].(string) + name
				go func() {
					next(nil)
					next(errors.New("too late"))
				}()
			})
		}
		_ = client.On("error", func(...any) { seen.add("error") })
		_ = client.On("x", func(args ...any) {
			seen.add("handler " + args[0].(string))
			args[1].(socket.Ack)([]any{"done"}, nil)
		})
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`421["x","1"]`)
	if got := c.Read(); got != `431["done"]` {
		t.Errorf("got %s", got)
	}
	if got, want := seen.all(), []string{"a", "b", "c", "handler 1abc"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A function that never answers drops its event and delays no other event.
func TestUseDropsEvent(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.onConnection(func(client *socket.Socket) {
		client.Use(func(event []any, next func(error)) {
			if event[0] != "swallowed" {
				next(nil)
			}
		})
		_ = client.On("swallowed", func(...any) { t.Error("a swallowed event has a handler") })
		_ = client.On("x", func(args ...any) { args[0].(socket.Ack)(nil, nil) })
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	for range 200 { // more than the inbox holds
		c.Send(`42["swallowed"]`)
	}
	c.Send(`421["x"]`)
	if got := c.Read(); got != `431[]` {
		t.Errorf("got %s", got)
	}
}

// An answer after the client has left runs no handler.
func TestUseAnswersAfterDisconnect(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	waiting, left := make(chan func(error), 1), make(chan struct{})
	s.onConnection(func(client *socket.Socket) {
		client.Use(func(_ []any, next func(error)) { waiting <- next })
		_ = client.On("x", func(...any) { t.Error("the handler ran") })
		_ = client.On("disconnect", func(...any) { close(left) })
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`42["x"]`)
	next := servertest.Receive(t, waiting)
	c.Conn.Close()
	servertest.Receive(t, left)
	next(nil)
	ctx, cancel := context.WithTimeout(t.Context(), servertest.Patience)
	defer cancel()
	if err := s.sio.Shutdown(ctx); err != nil { // waits for the work that next has started
		t.Error(err)
	}
}

// A panic in such a function closes its connection, like a panic in a handler.
func TestUsePanics(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	ends := make(chan string, 1)
	s.onConnection(func(client *socket.Socket) {
		client.Use(func([]any, func(error)) { panic("use") })
		_ = client.On("disconnect", func(args ...any) { ends <- args[0].(string) })
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`42["x"]`)
	c.Closed()
	if reason := servertest.Receive(t, ends); reason != "forced close" {
		t.Errorf("the reason is %q", reason)
	}
	s.Alive()
}

// OnAny receives an event before the functions given to Use, which may refuse it.
func TestUseRefusesEvent(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	var seen notes
	s.onConnection(func(client *socket.Socket) {
		client.OnAny(func(args ...any) { seen.add("any " + args[0].(string)) })
		client.Use(func(_ []any, next func(error)) { next(errors.New("not allowed")) })
		client.Use(func([]any, func(error)) { t.Error("the next function ran") })
		_ = client.On("error", func(args ...any) { seen.add(args[0].(error).Error()) })
		_ = client.On("x", func(...any) { t.Error("the handler ran") })
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`421["x"]`)
	c.Sync()
	if got := strings.Join(seen.all(), ", "); !strings.HasPrefix(got, "any x, not allowed") {
		t.Errorf("%q", got)
	}
}
