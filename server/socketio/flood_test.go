package socketio

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// The server handles a flood at the limited rate, reports it once a second, and closes the
// connection after ten seconds.
func TestFloodEndsItsConnection(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.RateInterval, o.RateBurst = time.Hour, 20 })
	c, _ := s.Connect(`{"userId":"u1"}`)
	l := s.sio.clients.all()[0]
	// The client sends nothing, so this is the only reader.
	handled, refusals := 0, 0
	for range 5000 {
		l.Message([]byte(`2["ping"]`), false)
	}
	now := time.Now()
	if now.Sub(l.rates.since) > abuseLimit || now.Sub(l.rates.last) > abuseGrace {
		t.Fatalf("rates %+v", l.rates)
	}
	if l.session.Closed() {
		t.Fatal("a burst ended the connection")
	}
	count := func(text string) {
		switch {
		case strings.HasPrefix(text, `42["pong",`):
			handled++
		case strings.HasPrefix(text, `42["error",{"code":"rate_limited",`):
			refusals++
		default:
			t.Errorf("got %s", text)
		}
	}
	for handled < 20 || refusals < 1 {
		count(c.Read()) // before the end, which drops what the worker has not handled
	}
	l.rates.since = l.rates.since.Add(-abuseLimit)
	l.Message([]byte(`2["ping"]`), false)
	for _, text := range c.Closed() {
		count(text)
	}
	if handled != 20 || refusals < 1 || refusals > 5 {
		t.Errorf("%d handled, %d refusals, want 20 and at most once a second", handled, refusals)
	}
	servertest.Eventually(t, "the flood is gone", func() bool { return s.Hub.Total() == 0 })
	s.Connect(`{"userId":"u1"}`)
}

// The rate limit does not apply to DISCONNECT: a refused one would leave a Conn that the client no
// longer has.
func TestDisconnectsAreNotLimited(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.RateInterval, o.RateBurst = time.Hour, 20 })
	const namespaces = 19
	for i := range namespaces {
		s.sio.Of(fmt.Sprintf("/n%d", i)).OnConnect(func(context.Context, *Conn) error {
			return nil
		})
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
