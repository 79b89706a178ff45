package socketio

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// A slow handler blocks its own client when 64 packets wait.
func TestBackPressure(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	release := make(chan struct{})
	handled := make(chan struct{}, 1000)
	s.sio.Of("/").On("slow", func(context.Context, *Conn, *Event) error {
		handled <- struct{}{}
		<-release
		return nil
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	for range 200 {
		c.Send(`42["slow"]`)
	}
	servertest.Receive(t, handled)
	l := s.sio.clients.all()[0]
	servertest.Eventually(t, "the inbox is full", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.inbox) == maxUnhandled
	})
	s.Alive() // other clients continue
	close(release)
	c.Sync()
	if n := len(handled); n != 199 {
		t.Errorf("%d events were handled after the first, want 199", n)
	}
}

// The reply to CONNECT comes before every other packet of its namespace.
func TestConnectReplyComesFirst(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.RateInterval, o.RateBurst = time.Minute, 1 })
	emitted, release := make(chan struct{}), make(chan struct{})
	s.sio.Of("/").OnConnect(func(_ context.Context, c *Conn) error {
		if err := c.Emit("stored", 1); err != nil {
			return err
		}
		if err := c.AskFunc("asked", func(Answer, error) {}); err != nil {
			return err
		}
		close(emitted)
		<-release
		return nil
	})
	c := s.Dial("")
	c.Send(`40{"userId":"u1"}`)
	servertest.Receive(t, emitted)
	c.Send(`42["ping"]`)
	c.Send(`42["ping"]`) // over the rate limit
	l := s.sio.clients.all()[0]
	servertest.Eventually(t, "the reader has finished", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.inbox) == 1
	})
	close(release)
	for _, want := range []string{
		`40{"sid":`, `42["connected",`, `42["stored",1,`,
		`421["asked"]`,
	} {
		if got := c.Read(); !strings.HasPrefix(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
