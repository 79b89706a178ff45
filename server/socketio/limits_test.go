package socketio

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
)

// With MaxRooms 0 a client is in the default channels and joins no other, neither at CONNECT nor by
// an event.
func TestMaxRoomsOfZero(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.MaxRooms, o.DefaultChannels = 0, []string{"general"} })
	c, connected := s.Connect(`{"userId":"u1","channels":["a"]}`)
	c.Send(`42["subscribe",{"channels":["b"]}]`)
	want := `42["subscribed",{"type":"subscribed","channels":[],"denied":["b"],"timestamp":*},"ID"]`
	if got := servertest.Masked(c.Read()); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	c.Send(`42["join-room","c"]`)
	want = `42["error",{"code":"room_limit","message":"too many rooms","room":"c"},"ID"]`
	if got := servertest.Masked(c.Read()); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	member := s.Hub.Member("/", connected.ClientID)
	if !member.In("general") || member.In("a") || member.In("b") || member.In("c") {
		t.Errorf("in the rooms %q, want general and none of a, b and c", member.Rooms())
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.RateInterval, o.RateBurst = time.Minute, 3 })
	c, _ := s.Connect(`{"userId":"u1"}`)
	for range 3 {
		c.Send(`42["ping"]`)
		c.Event("pong", nil)
	}
	c.Send(`427["ping"]`)
	want := `{"code":"rate_limited","message":"Rate limit exceeded","retryAfter":60}`
	if got := c.Read(); got != `437[{"error":`+want+`}]` {
		t.Errorf("ack %s", got)
	}
	var e json.RawMessage
	if c.Event("error", &e); string(e) != want {
		t.Errorf("error %s", e)
	}
}

func TestIdleClientsAreClosed(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		o.InactiveTimeout, o.SweepInterval = 300*time.Millisecond, 20*time.Millisecond
		o.PingInterval, o.PingTimeout = 50*time.Millisecond, time.Minute
	})
	silent := s.Dial("")
	silent.Join(`{"userId":"silent"}`)
	listener, _ := s.Connect(`{"userId":"listener"}`)
	ended := make(chan time.Time, 1)
	go func() { // answers no ping
		for {
			if _, _, err := silent.Conn.ReadMessage(); err != nil {
				ended <- time.Now()
				return
			}
		}
	}()
	start := time.Now()
	stop := make(chan struct{})
	closedEarly := make(chan error, 1)
	go func() {
		for {
			if _, err := listener.Next(); err != nil {
				closedEarly <- err
				return
			}
		}
	}()
	if at := servertest.Receive(t, ended); at.Sub(start) < 200*time.Millisecond {
		t.Errorf("closed after %s", at.Sub(start))
	}
	select {
	case err := <-closedEarly:
		t.Errorf("a listener that answers pings was closed: %v", err)
	case <-time.After(6*300*time.Millisecond - time.Since(start)):
	}
	close(stop)
	listener.Conn.Close()
	servertest.Receive(t, closedEarly)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	limits := limit.New(limit.Options{PerUser: 1})
	s := newStack(t, func(o *Options) { o.Limits = limits })
	first, _ := s.Connect(`{"userId":"u1"}`)
	second := s.Dial("")
	second.Send(`40{"userId":"u1"}`)
	want := `44{"message":"Too many connections",` +
		`"data":{"code":"too_many_connections","retryAfter":10}}`
	if got := second.Read(); got != want {
		t.Errorf("got %s", got)
	}
	first.Conn.Close()
	servertest.Eventually(t, "the slot is free", func() bool {
		n, _, _ := limits.Counts()
		return n == 0
	})
	second.Join(`{"userId":"u1"}`)
}
