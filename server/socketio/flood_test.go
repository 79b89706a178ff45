package socketio

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
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

// A client whose events have waited for ten seconds, and of which thousands are refused then, does
// not catch up: its connection ends at once.
func TestFloodThatDoesNotCatchUpIsClosed(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.RateInterval, o.RateBurst = time.Second, 1 })
	c, l := s.deaf()
	l.rates.behind = time.Now().Add(-abuseLimit)
	l.rates.over = time.Now().Add(servertest.Patience) // no pause on a slow machine
	c.Post(strings.Repeat(`42["ping"]`+"\x1e", 2*maxRefused) + `42["ping"]`)
	if cause := l.cause.Load(); cause == nil || *cause != "too many events" {
		t.Errorf("the connection is open after %d refusals", maxRefused+1)
	}
}

// A flood gets the events of its rate handled: 70 in 5 seconds.
func TestFloodGetsItsRate(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.RateInterval = 100 * time.Millisecond })
	var handled atomic.Int64
	s.sio.Of("/").On("x", func(context.Context, *Conn, *Event) error {
		handled.Add(1)
		return nil
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	start := time.Now()
	length := time.Duration(servertest.Soaked(250)) * time.Millisecond // 5 s in make soak
	go func() {
		for c.Conn.WriteMessage(1, []byte(`42["x"]`)) == nil { // until the end of the test
		}
	}()
	for time.Since(start) < length || handled.Load() < 20 { // the burst may begin late
		if time.Since(start) > length+servertest.Patience {
			t.Fatalf("%d events handled, want the burst of 20", handled.Load())
		}
		time.Sleep(10 * time.Millisecond)
		n := handled.Load() // before the time, so that the bound holds on a slow machine
		if most := 20 + int64(time.Since(start)/(100*time.Millisecond)); n > most {
			t.Fatalf("%d events handled in %v, want at most %d", n, time.Since(start), most)
		}
	}
	t.Logf("%d events handled in %v", handled.Load(), time.Since(start))
	c.Conn.Close()
}

// Namespaces that nobody serves, and joins over the limit, cost no memory, however many a client
// asks for.
func TestNamesOfAFloodCostNoMemory(t *testing.T) {
	times := servertest.Soaked(5000)
	s := newStack(t, func(o *Options) { o.ReceiveRate = 0 })
	c, connected := s.Connect(`{"userId":"u1"}`)
	go func() { _, _ = io.Copy(io.Discard, c.Conn.NetConn()) }() // ends with the connection
	l := s.sio.clients.all()[0]
	for name, packet := range map[string]string{
		"namespaces": `0/n%d-` + strings.Repeat("x", 100) + `,{"userId":"u1"}`,
		"joins":      `2["join-room","r%d-` + strings.Repeat("x", 180) + `"]`,
		"events":     `2["e%d-` + strings.Repeat("x", 100) + `"]`,
		"unasked":    `3%d[]`,
	} {
		before := servertest.Heap()
		for i := range times {
			l.Message(fmt.Appendf(nil, packet, i), false)
		}
		servertest.Eventually(t, "all are handled", func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return !l.working && len(l.replies.items) == 0
		})
		grown := servertest.Heap() - before
		t.Logf("%d %s: %d KiB", times, name, grown>>10)
		if grown > 1<<20 {
			t.Errorf("%s: the heap grew by %d KiB", name, grown>>10)
		}
	}
	if l.session.Closed() {
		t.Error("the connection ended")
	}
	if n := len(s.Hub.Member("/", connected.ClientID).Rooms()); n > s.sio.opts.MaxRooms+4 {
		t.Errorf("the client is in %d rooms", n)
	}
	c.Conn.Close()
}
