package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// Events over the rate wait for their turn, on every transport. None is lost.
func TestEventsOverTheRateWait(t *testing.T) {
	t.Parallel()
	const events = 40
	for _, transport := range []string{"websocket", "polling"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, func(o *Options) { o.RateInterval, o.RateBurst = 20*time.Millisecond, 2 })
			handled := make(chan int, events)
			s.sio.Of("/").On("n", func(_ context.Context, _ *Conn, e *Event) error {
				var n int
				err := e.Bind(&n)
				handled <- n
				return err
			})
			start := time.Now()
			var packets []string
			for n := range events {
				packets = append(packets, fmt.Sprintf(`42["n",%d]`, n))
			}
			if transport == "websocket" {
				c, _ := s.Connect(`{"userId":"u1"}`)
				for _, packet := range packets {
					c.Send(packet)
				}
			} else {
				c := s.Poll()
				c.Post(`40{"userId":"u1"}`)
				c.Post(packets...)
			}
			for want := range events {
				if got := servertest.Receive(t, handled); got != want {
					t.Fatalf("handled %d, want %d", got, want)
				}
			}
			if took := time.Since(start); took < (events-3)*20*time.Millisecond {
				t.Errorf("%d events took %v", events, took)
			}
		})
	}
}

// An acknowledgement that nobody asked for costs what an event costs: without that a client could
// keep the server busy with them.
func TestAcknowledgementsNobodyAskedForWait(t *testing.T) {
	t.Parallel()
	const acks = 40
	s := newStack(t, func(o *Options) { o.RateInterval, o.RateBurst = 20*time.Millisecond, 2 })
	c, _ := s.Connect(`{"userId":"u1"}`)
	start := time.Now()
	for n := range acks {
		c.Send(fmt.Sprintf(`43%d[]`, n))
	}
	c.Sync()
	if took := time.Since(start); took < (acks-3)*20*time.Millisecond {
		t.Errorf("%d acknowledgements took %v", acks, took)
	}
}

// The acknowledgement of an ask that the server no longer waits for costs nothing: a client that
// answers late does what the protocol says.
func TestLateAcknowledgementsDoNotWait(t *testing.T) {
	t.Parallel()
	const asks = 40
	s := newStack(t, func(o *Options) { o.RateInterval, o.RateBurst = time.Hour, 1 })
	c, connected := s.Connect(`{"userId":"u1"}`)
	conn := s.sio.To(connected.ClientID).Conns()[0]
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for range asks {
		if _, err := conn.Ask(over, "question"); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	for range asks {
		c.Send("43" + question(t, c, "question") + "[]")
	}
	c.Sync() // with the only event that the rate allows
	c.Send("431[]")
	c.Send(`42["ping"]`)
	if got := c.Read(); !strings.HasPrefix(got, `42["error",{"code":"rate_limited"`) {
		t.Errorf("after an acknowledgement that nobody asked for: %s", got)
	}
}

// An event that would have to wait too long is refused without an acknowledgement: socket.io-client
// with retries takes every acknowledgement for a success.
func TestRefusedEventHasNoAcknowledgement(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.RateInterval, o.RateBurst = time.Minute, 3 })
	c, _ := s.Connect(`{"userId":"u1"}`)
	for range 3 {
		c.Send(`42["ping"]`)
		c.Event("pong", nil)
	}
	c.Send(`427["ping"]`)
	c.Send(`428["ping"]`) // a second error event would come too early
	var e json.RawMessage
	c.Event("error", &e)
	want := `{"code":"rate_limited","message":"Rate limit exceeded","retryAfter":60}`
	if string(e) != want {
		t.Errorf("error %s", e)
	}
	c.Send("41") // needs no token
	c.Send(`40{"userId":"u1"}`)
	expectPackets(t, c, `40{"sid":`)
}

// A page that joins all its rooms again, or connects all its namespaces, does so at once.
func TestJoinsAndNamespacesHaveTheirOwnRate(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.RateInterval, o.RateBurst = time.Hour, 1 })
	for i := range 120 {
		s.sio.Of(fmt.Sprintf("/n%d", i)).OnConnect(func(context.Context, *Conn) error { return nil })
	}
	c, _ := s.Connect(`{"userId":"u1"}`)
	for i := range 64 {
		c.Send(fmt.Sprintf(`42["join-room","r%d"]`, i))
		c.Event("room-joined", nil)
	}
	c.Send(`42["join-room","r64"]`)
	c.Event("error", nil)
	for i := range 100 {
		c.Send(fmt.Sprintf(`40/n%d,{"userId":"u1"}`, i))
		expectPackets(t, c, fmt.Sprintf(`40/n%d,{"sid":`, i))
	}
	for i := 100; i < 120; i++ { // refused without the end of the connection
		c.Send(fmt.Sprintf(`40/n%d,{"userId":"u1"}`, i))
		expectPackets(t, c, fmt.Sprintf(`44/n%d,{"message":"Rate limit exceeded",`+
			`"data":{"code":"rate_limited","retryAfter":3600}}`, i))
	}
	c.Sync()
}

// After ten seconds with more packets behind each that waits, a client does not wait any more: what
// follows, perhaps its DISCONNECT, is read at once. The last packet still waits.
func TestClientThatIsBehindDoesNotWait(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.RateInterval, o.RateBurst = time.Second, 1 })
	c := s.Poll()
	c.Post(`40{"userId":"u1"}`)
	for !strings.Contains(c.Get(), `"connected"`) {
	}
	l := s.sio.clients.all()[0]
	l.rates.behind = time.Now().Add(-abuseLimit)
	l.rates.over = time.Now()
	var packets []string
	for i := range 100 {
		packets = append(packets, fmt.Sprintf(`42%d["ping"]`, i))
	}
	c.Post(packets...)
	var answers []string
	for len(answers) < 2 {
		for packet := range strings.SplitSeq(c.Get(), "\x1e") {
			if id, _, found := strings.Cut(packet, "["); found && strings.HasPrefix(id, "43") {
				answers = append(answers, id)
			}
		}
	}
	if got := strings.Join(answers, " "); got != "430 4399" {
		t.Errorf("answers %s, want those of the first and of the last", got)
	}
}

// A session can end while its reader waits.
func TestSessionEndsWhileAnEventWaits(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.RateInterval, o.RateBurst = rateWait, 1 })
	reasons := endings(s.sio.Of("/"))
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`42["ping"]`)
	c.Event("pong", nil)
	c.Send(`42["ping"]`)
	s.sio.To().Conns()[0].Drop()
	if got := servertest.Receive(t, reasons); got != ReasonForcedClose {
		t.Errorf("reason %q", got)
	}
	c.Closed()
}

// Pongs that are behind waiting events do not count as late, and a DISCONNECT is handled after the
// events before it.
func TestPongsBehindWaitingEvents(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		o.RateInterval, o.RateBurst = 300*time.Millisecond, 1
		o.PingInterval, o.PingTimeout = 200*time.Millisecond, 200*time.Millisecond
	})
	reasons := endings(s.sio.Of("/"))
	c, _ := s.Connect(`{"userId":"u1"}`)
	const events = 8 // two seconds
	for range events {
		c.Send(`42["ping"]`)
	}
	for range events {
		c.Event("pong", nil) // answers the pings of the transport
	}
	c.Send("41")
	if got := servertest.Receive(t, reasons); got != ReasonClientLeft {
		t.Errorf("reason %q", got)
	}
}
