package socketio

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// A flood is handled at its rate and no faster, is told of once a second, and ends
// its own connection when it has gone on for ten seconds.
func TestFloodEndsItsConnection(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.RateInterval, o.RateBurst = time.Hour, 20 })
	c, _ := s.Connect(`{"userId":"u1"}`)
	l := s.sio.clients.all()[0]
	// The client sends nothing, so this is the only reader.
	handled, told := 0, 0
	for range 5000 {
		l.Message([]byte(`2["ping"]`), false)
	}
	if now := time.Now(); now.Sub(l.rates.since) > abuseLimit || now.Sub(l.rates.last) > abuseGrace {
		t.Fatalf("rates %+v", l.rates)
	}
	if l.session.Closed() {
		t.Fatal("a burst ended the connection")
	}
	l.rates.since = l.rates.since.Add(-abuseLimit)
	l.Message([]byte(`2["ping"]`), false)
	for _, text := range c.Closed() {
		switch {
		case strings.HasPrefix(text, `42["pong",`):
			handled++
		case strings.HasPrefix(text, `42["error",{"code":"rate_limited",`):
			told++
		default:
			t.Errorf("got %s", text)
		}
	}
	if handled != 20 || told < 1 || told > 5 {
		t.Errorf("%d handled, told %d times, want 20 and at most once a second", handled, told)
	}
	servertest.Eventually(t, "the flood is gone", func() bool { return s.Hub.Total() == 0 })
	s.Connect(`{"userId":"u1"}`)
}

// A client that leaves many namespaces at once leaves all of them: a DISCONNECT that was refused would leave a Conn behind
// which the client does not have any more.
func TestDisconnectsAreNotLimited(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.RateInterval, o.RateBurst = time.Hour, 20 })
	const namespaces = 19
	for i := range namespaces {
		s.sio.Of(fmt.Sprintf("/n%d", i)).OnConnect(func(context.Context, *Conn) error { return nil })
	}
	c, _ := s.Connect(`{"userId":"u1"}`)
	for i := range namespaces {
		c.Send(fmt.Sprintf(`40/n%d,{"userId":"u1"}`, i))
		expectPackets(t, c, fmt.Sprintf(`40/n%d,{"sid":`, i))
	}
	for i := range namespaces {
		c.Send(fmt.Sprintf(`41/n%d,`, i))
	}
	c.Sync()
	if n := len(s.Hub.Members()); n != 1 {
		t.Errorf("%d members, want 1", n)
	}
}
