package socketio

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

// The events of all clients that wait for slow handlers have a bound together. All of them are
// handled when the handlers go on, and small events of other clients do not wait.
func TestUnhandledEventsOfAllClientsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.RateInterval = 0 })
	release, handled := make(chan struct{}), make(chan string, 1000)
	s.sio.Of("/").On("slow", func(_ context.Context, c *Conn, e *Event) error {
		<-release
		handled <- c.Identity().UserID
		return nil
	})
	const clients, events, size = 40, 3, 900_000 // 108 MB, of which 72 wait
	large := fmt.Sprintf(`42["slow",%q]`, strings.Repeat("x", size))
	done := make(chan error, clients)
	for i := range clients {
		c, _ := s.Connect(fmt.Sprintf(`{"userId":"u%d"}`, i))
		go func() {
			for range events {
				if err := c.Conn.WriteMessage(1, []byte(large)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	servertest.Eventually(t, "the bound is reached", func() bool {
		return s.sio.unread.Load() > maxUnread
	})
	small, _ := s.Connect(`{"userId":"small"}`)
	small.Send(`421["custom-event",{}]`)
	small.Event("custom-event-response", nil)
	if n := s.sio.unread.Load(); n > maxUnread+clients*size {
		t.Errorf("%d bytes wait", n)
	}
	close(release)
	for range clients {
		if err := servertest.Receive(t, done); err != nil {
			t.Fatal(err)
		}
	}
	for range clients * events {
		servertest.Receive(t, handled)
	}
	if n := s.sio.unread.Load(); n != 0 {
		t.Errorf("%d bytes wait when all are handled", n)
	}
}

// A program cannot make the functions that wait for the handlers of one client take memory without a
// bound: the client is closed. Those that waited before still run, then the end of the client.
func TestFunctionsForHandlersAreBounded(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	stuck, release, ended := make(chan *Conn, 1), make(chan struct{}), make(chan struct{})
	root := s.sio.Of("/")
	root.On("stuck", func(_ context.Context, c *Conn, _ *Event) error {
		stuck <- c
		<-release
		return nil
	})
	root.OnDisconnect(func(*Conn, string) { close(ended) })
	client, _ := s.Connect(`{"userId":"u1"}`)
	client.Send(`42["stuck"]`)
	conn := servertest.Receive(t, stuck)
	var ran atomic.Int32
	for range 100 * maxLater {
		conn.Do(func() { ran.Add(1) })
	}
	servertest.Receive(t, conn.Context().Done())
	conn.client.mu.Lock()
	waiting, calls := len(conn.client.inbox), conn.client.calls
	conn.client.mu.Unlock()
	if waiting != maxLater+1 || calls != waiting {
		t.Errorf("%d functions wait, %d are counted, want %d", waiting, calls, maxLater+1)
	}
	close(release)
	servertest.Receive(t, ended)
	if n := ran.Load(); n != maxLater+1 {
		t.Errorf("%d functions ran, want %d", n, maxLater+1)
	}
}
