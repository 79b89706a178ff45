package socketio

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

func smallSessionTable(t *testing.T) func(*Options) {
	return func(o *Options) {
		o.Hub = servertest.HubWith(t, func(o *notify.Options) { o.MaxSessions = 10 })
	}
}

// The payload of CONNECT stays in memory as long as its connection, so its size is limited.
func TestConnectPayloadIsLimited(t *testing.T) {
	s := newStack(t, nil)
	payload := `40{"userId":"u1","junk":[` + strings.Repeat("{},", 300_000) + `{}]}`
	before := servertest.Heap()
	const clients = 4
	for range clients {
		c := s.Dial("")
		c.Send(payload)
		_, _ = c.Next() // accepted or refused
	}
	if per := (servertest.Heap() - before) / clients; per > 1<<20 {
		t.Errorf("a connection keeps %d MiB of its CONNECT", per>>20)
	}
}

// A list of channels has the same limit as in a handshake, because each name is checked under the
// lock that every delivery needs.
func TestChannelListIsLimited(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`42["subscribe",{"channels":["` + strings.Repeat(`x","`, 100_000) + `x"]}]`)
	if got := c.Read(); !strings.HasPrefix(got, `42["error",`) {
		t.Errorf("a list of 100,001 names was answered %.60s… (%d bytes)", got, len(got))
	}
}

// A message from a client has the same limits as one from a backend, because it takes the same
// space in the history.
func TestClientMessageIsLimited(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`42["join-room","r"]`)
	c.Event("room-joined", nil)
	c.Send(`42["send-message",{"room":"r","message":"` + strings.Repeat("x", 300<<10) + `"}]`)
	if got := c.Read(); !strings.HasPrefix(got, `42["error",`) {
		t.Errorf("got %.60s", got)
	}
}

// auth:refresh is a built-in event, so it has an answer.
func TestAuthRefreshIsAnswered(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`421["auth:refresh",{"token":"nonsense"}]`)
	if got := c.Read(); strings.Contains(got, "unknown_event") {
		t.Errorf("got %s", got)
	}
}

// deaf returns a polling client that sends no more GETs, so that no packet for it leaves the
// server.
func (s *testStack) deaf() (*servertest.Polling, *client) {
	s.T.Helper()
	c := s.Poll()
	c.Post(`40{"userId":"deaf"}`)
	for !strings.Contains(c.Get(), "40{") {
	}
	l := s.sio.clients.all()[0]
	// A shutdown would wait for what the client does not read.
	s.T.Cleanup(func() { l.abort("the test has ended") })
	return c, l
}

// A client that does not read gets answers up to a limit. It holds no more memory than that,
// however small the answers are, and continues when it reads.
func TestAnswersToClientThatDoesNotRead(t *testing.T) {
	s := newStack(t, func(o *Options) { o.ReceiveRate = 0 })
	s.sio.Of("/").On("x", func(_ context.Context, _ *Conn, e *Event) error {
		e.Ack()
		return nil
	})
	const events = 30_000
	c, l := s.deaf()
	body := strings.Repeat(`421["x"]`+"\x1e", events-1) + `421["x"]`
	before := servertest.Heap()
	posted := make(chan int, 1)
	go func() { // answered after all others
		res, _ := servertest.Do(t, "POST", c.URL, body)
		posted <- res.StatusCode
	}()
	servertest.Eventually(t, "the client is held back", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.inbox) == maxUnhandled && l.replies.bytes > maxOwnBytes
	})
	grown := servertest.Heap() - before
	if grown > 3<<20 && !raceEnabled { // including the body in both processes
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
	for got := 0; got < events; {
		for packet := range strings.SplitSeq(c.Get(), "\x1e") {
			if packet == "2" { // a ping, on a slow machine
				continue
			}
			if packet != "431[]" {
				t.Fatalf("got %s", packet)
			}
			got++
		}
	}
	if status := servertest.Receive(t, posted); status != 200 {
		t.Errorf("the POST is answered %d", status)
	}
}

// A flood over the rate, from a client that reads nothing, holds no memory.
func TestFloodOfClientThatDoesNotRead(t *testing.T) {
	s := newStack(t, func(o *Options) {
		o.RateInterval, o.RateBurst, o.ReceiveRate = time.Hour, 1, 0
	})
	c, l := s.deaf()
	body := strings.Repeat(`421["x"]`+"\x1e", 99_999) + `421["x"]`
	peak, stop := servertest.WatchHeap()
	servertest.Do(t, "POST", c.URL, body)
	stop()
	// Includes the garbage of decoding, and the body.
	if grown := peak(); grown > 16<<20 && !raceEnabled {
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.replies.bytes > maxOwnBytes {
		t.Errorf("closed %v, with %d bytes of replies", l.closed, l.replies.bytes)
	}
}

// Each entry of the outbox costs at least the memory that it holds, so that many small entries also
// reach the limit.
func TestRepliesCostTheirMemory(t *testing.T) {
	s := newStack(t, nil)
	_, l := s.deaf()
	conn := l.all()[0]
	before := servertest.Heap()
	l.mu.Lock()
	n := 0
	for full := false; !full; n++ {
		f := s.sio.newFrame([]byte("31[]"))
		full = !l.queue(s.Hub.Head(), []reply{{frame: f, conn: conn, size: f.Size()}})
	}
	charged := l.replies.bytes
	l.mu.Unlock()
	held := int(servertest.Heap() - before)
	if held > charged*5/4 && !raceEnabled {
		t.Errorf("%d replies hold %d KiB and are charged %d KiB", n, held>>10, charged>>10)
	}
}
