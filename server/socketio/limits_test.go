package socketio

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/presence"
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

// Nobody learns of a client that the limits refuse.
func TestRefusedClientIsNotAnnounced(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.Limits = limit.New(limit.Options{PerIP: 1}) })
	watcher := servertest.Attach(t, s.Hub, "watcher", "", "presence")
	users := presence.AnnounceUsers(s.Hub, zap.NewNop(), nil)
	defer users.Stop()
	s.Connect(`{"userId":"a"}`)
	refused := s.Dial("")
	refused.Send(`40{"userId":"b"}`)
	if got := refused.Read(); !strings.HasPrefix(got, "44") {
		t.Fatalf("got %s, want a refusal", got)
	}
	s.Hub.Sweep(time.Now())
	if _, err := s.Hub.Publish(t.Context(), notify.Notification{Type: "last"},
		notify.ToChannel("presence")); err != nil {
		t.Fatal(err)
	}
	var got []string
	buf := make([]notify.Delivery, 8)
	servertest.Eventually(t, "the last notification arrives", func() bool {
		n, _ := watcher.Pull(buf)
		for _, d := range buf[:n] {
			got = append(got, d.Message.Type+" "+string(d.Message.Data))
		}
		return n > 0 && buf[n-1].Message.Type == "last"
	})
	if text := strings.Join(got, "\n"); strings.Contains(text, `"b"`) || len(got) != 2 {
		t.Errorf("announced:\n%s", text)
	}
}

// Default channels, and those that the server joins, do not count for MaxRooms, neither at CONNECT
// nor later.
func TestMaxRoomsCountsWhatTheClientAsksFor(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.MaxRooms, o.DefaultChannels = 2, []string{"general", "news"} })
	c, connected := s.Connect(`{"userId":"u1","channels":["a"]}`)
	s.Hub.Member("/", connected.ClientID).Join("vip")
	c.Send(`42["subscribe",{"channels":["general","b","c"]}]`)
	want := `42["subscribed",{"type":"subscribed","channels":["general","b"],"denied":["c"],"timestamp":*},"ID"]`
	if got := servertest.Masked(c.Read()); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// MaxRooms is the limit for all channels of a client, those of its session included: a client that
// resumes with other channels, again and again, is not in more of them.
func TestMaxRoomsOfResumedSession(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.MaxRooms, o.DefaultChannels = 3, []string{"general"} })
	auth := `{"userId":"u1","sessionId":"tab","channels":["a0","b0"]`
	for i := range 4 {
		c := s.Dial("")
		_, pid, offset, connected := c.JoinWithPid(auth + "}")
		member := s.Hub.Member("/", connected.ClientID)
		joined := slices.DeleteFunc(member.Rooms(), func(room string) bool {
			return !strings.HasPrefix(room, "a") && !strings.HasPrefix(room, "b")
		})
		if i > 0 {
			slices.Sort(joined)
			if got := strings.Join(joined, " "); got != "a0 a1 b0" || !member.In("general") {
				t.Errorf("resume %d: in the channels %s, want a0 a1 b0", i, got)
			}
		}
		c.Conn.Close()
		auth = fmt.Sprintf(`{"userId":"u1","sessionId":"tab","channels":["a%d","b%[1]d"],"pid":%q,"offset":%q`,
			i+1, pid, offset)
	}
}

// A client is idle when the server gets nothing from it; the answer to a ping is enough.
func TestIdleClientsAreClosed(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		o.InactiveTimeout, o.SweepInterval = time.Hour, time.Hour // the test sweeps
		o.PingInterval, o.Heartbeat = 20*time.Millisecond, 0
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	conn := s.sio.clients.all()[0]
	joined := conn.session.LastReceived()
	pinged := make(chan struct{})
	go func() { // Next answers pings
		defer close(pinged)
		_, _ = c.Next()
	}()
	servertest.Eventually(t, "the answer to a ping has arrived", func() bool {
		return conn.session.LastReceived().After(joined)
	})
	conn.sweep(joined.Add(time.Hour+1), true)
	if cause := conn.cause.Load(); cause != nil {
		t.Fatalf("a client that answers pings was closed: %s", *cause)
	}
	conn.sweep(time.Now().Add(2*time.Hour), true)
	servertest.Receive(t, pinged)
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

// A client whose auth payload is too large learns why. Its connection ends, unless it is in a
// namespace already.
func TestLargeAuthIsRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	large := `{"userId":"u1","x":"` + strings.Repeat("x", maxAuth) + `"}`
	const want = `{"message":"Payload too large",` +
		`"data":{"code":"payload_too_large","detail":"auth: expected at most 16384 bytes"}}`
	member, _ := s.Connect(`{"userId":"u1"}`)
	for _, namespace := range []string{"", "/admin,"} {
		c := s.Dial("")
		c.Send("40" + namespace + large)
		if got := c.Read(); got != "44"+namespace+want {
			t.Errorf("got %s", got)
		}
		c.Closed()
	}
	member.Send("40/admin," + large)
	if got := member.Read(); got != "44/admin,"+want {
		t.Errorf("got %s", got)
	}
	member.Sync()
}

// The data of a packet has at most 4,096 JSON values: decoded, they can take 50 times the memory of
// the text. The connection stays open, and everything that waits for an answer gets one.
func TestManyValuesAreRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c := s.Dial("")
	many := func(n int) string { return strings.Repeat("1,", n-1) + "1" }
	c.Send(`40{"userId":"u1","x":[` + many(standardLimits.values-2) + `]}`)
	if got, want := c.Read(), `44{"message":"Payload has more than 4096 JSON values",`+
		`"data":{"code":"payload_too_large"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.Join(`{"userId":"u1","x":[` + many(standardLimits.values-3) + `]}`)

	answers := make(chan error, 2)
	for _, n := range []int{standardLimits.values - 1, standardLimits.values} {
		if err := s.sio.To().Conns()[0].AskFunc("question", func(_ Answer, err error) {
			answers <- err
		}); err != nil {
			t.Fatal(err)
		}
		c.Send("43" + question(t, c, "question") + "[" + many(n) + "]")
		err := servertest.Receive(t, answers)
		if small := n < standardLimits.values; small != (err == nil) || !small && err.Error() != standardLimits.tooManyValues().Error() {
			t.Errorf("an answer of %d values: %v", n+1, err)
		}
	}

	c.Send(`421["x",` + many(standardLimits.values-2) + `]`)
	if got := c.Read(); got != `431[{"error":{"code":"unknown_event"}}]` {
		t.Errorf("an event of %d values: %s", standardLimits.values, got)
	}
	c.Send(`422["x",` + many(standardLimits.values-1) + `]`)
	const refusal = `{"code":"payload_too_large","message":"Payload has more than 4096 JSON values"}`
	for _, want := range []string{`432[{"error":` + refusal + `}]`, `42["error",` + refusal + `,"ID"]`} {
		if got := servertest.Masked(c.Read()); got != want {
			t.Errorf("an event of %d values: got %s, want %s", standardLimits.values+1, got, want)
		}
	}
	c.Sync()
}
