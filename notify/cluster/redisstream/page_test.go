package redisstream

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/chaos"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// addLarge adds n entries of Node of a size, at one moment.
func addLarge(t *testing.T, s *redistest.Server, n, size int) {
	t.Helper()
	head := `{"opts":{"rooms":["r"],"except":[],"flags":{}},"packet":{"type":2,"data":["large","`
	s.Do(t, "EVAL", `for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'uid', 'n', 'nsp', '/', 'type', '3',
		'data', ARGV[2] .. i .. string.rep('x', ARGV[3]) .. '"]}}') end`, "1", "socket.io", fmt.Sprint(n), head,
		fmt.Sprint(size))
}

// ups returns how many entries of the stream say that a node is up.
func ups(t *testing.T, s *redistest.Server) (n int) {
	t.Helper()
	all, _ := s.Do(t, "XRANGE", "socket.io", "-", "+").([]any)
	for _, e := range all {
		if strings.Contains(fmt.Sprint(e.([]any)[1]), `"k":"up"`) {
			n++
		}
	}
	return n
}

// awaitLarge waits for n entries, in their order.
func (r *reader) awaitLarge(t *testing.T, n int) {
	t.Helper()
	servertest.Eventually(t, "all large entries", func() bool { return len(r.texts()) >= n })
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, m := range r.messages {
		if want := fmt.Sprintf(`["%dx`, i+1); !strings.HasPrefix(string(m.Args), want) {
			t.Fatalf("entry %d is %.20s, want %s", i, m.Args, want)
		}
	}
	if len(r.messages) != n || r.losses != nil {
		t.Errorf("%d entries, want %d, losses %v", len(r.messages), n, r.losses)
	}
}

// More than what a slow link carries in the time of one reply is read in smaller parts, also at the
// start, and a node says once that it is up.
func TestSlowLink(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	proxy := chaos.New(t, s.Addr(), 1)
	c := dial(t, options("redis://"+proxy.Addr))
	l := openLog(t, c, nil)
	r := readFrom(t, l)
	servertest.Receive(t, l.Ready())
	proxy.Limit(192 << 10)
	const n, size = 130, 4 << 10 // 2.8 s
	addLarge(t, s, n, size)
	r.awaitLarge(t, n)
	next := newLog(t, c, nil)
	again := readFrom(t, next)
	servertest.Receive(t, next.Ready())
	again.awaitLarge(t, n)
	if got := ups(t, s); got != 2 {
		t.Errorf("two nodes have said %d times that they are up", got)
	}
}

// unread returns a log whose stream nothing reads.
func unread(c *Client) *Log {
	l := &Log{of: c, c: c, o: DefaultLogOptions(), uid: "7263000000000001", stream: c.o.Stream,
		maxLen: 1000}
	l.tail.page, l.tail.scan = 16, firstPage
	return l
}

// The history goes on after an error where it has ended, if it is that of the same stream.
func TestHistoryGoesOn(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	addLarge(t, s, 100, 10)
	l, ctx := unread(c), t.Context()
	failed, cancel := context.WithCancel(ctx)
	cancel()
	parts := func() {
		t.Helper()
		h, err := l.beginHistory(ctx)
		if err != nil {
			t.Fatal(err)
		}
		l.tail.history = h
		if err := l.readOlder(ctx, h); err != nil || len(h.messages) < 14 { // and those that are up
			t.Fatalf("%d messages, %v", len(h.messages), err)
		}
		if err := l.readHistory(failed); err == nil {
			t.Error("no error without time")
		}
	}
	parts()
	if err := l.readHistory(ctx); err != nil {
		t.Fatal(err)
	}
	if n := ups(t, s); n != 1 || len(l.tail.newest) != 100 || l.tail.history != nil {
		t.Errorf("%d times up, %d messages", n, len(l.tail.newest))
	}
	for i, m := range l.tail.newest {
		if want := fmt.Sprintf(`["%dx`, i+1); !strings.HasPrefix(string(m.Args), want) {
			t.Fatalf("message %d is %.20s", i, m.Args)
		}
	}

	l = unread(c)
	parts()
	s.Do(t, "DEL", "socket.io")
	addLarge(t, s, 20, 10)
	if err := l.readHistory(ctx); err == nil {
		t.Error("the entry of the node is gone, and there is no error")
	}
	if err := l.readHistory(ctx); err != nil || ups(t, s) != 1 || len(l.tail.newest) != 20 {
		t.Errorf("%d messages, %d times up, %v", len(l.tail.newest), ups(t, s), err)
	}
}

// What is retained comes by a slow link, too.
func TestSlowLinkRetained(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	proxy := chaos.New(t, s.Addr(), 1)
	c := dial(t, options(s.URL()))
	l := openLog(t, c, nil)
	readFrom(t, l)
	const n = 130 // 2.8 s
	var batch []*notify.Message
	for i := range n {
		m := message(strings.Repeat("x", 4<<10))
		m.Type, m.Retain = fmt.Sprint("k", i), true
		batch = append(batch, m)
	}
	if err := l.Append(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	s.Do(t, "DEL", "socket.io")
	slow := dial(t, options("redis://"+proxy.Addr))
	proxy.Limit(192 << 10)
	if b := first(t, newLog(t, slow, nil)); len(b.State.Messages) != n {
		t.Errorf("%d retained messages", len(b.State.Messages))
	}
}

// The newest entry, which says whether what is retained is of the same stream, comes by a slow link, too.
func TestSlowLinkNewestEntry(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	addLarge(t, s, 1, 400<<10)
	proxy := chaos.New(t, s.Addr(), 1)
	proxy.Limit(160 << 10) // 2.5 s
	c, _ := newClient(t, options("redis://"+proxy.Addr))
	c.pageTimeout, c.entryTimeout = time.Second, servertest.Patience
	l := unread(c)
	for _, want := range []bool{false, true} {
		servertest.Eventually(t, "the newest entry, in more time than before", func() bool {
			_, newest, err := l.readRetained(t.Context(), notify.ID{})
			return err == nil && newest != (mark{}) || !want && l.tail.scan == 1
		})
	}
}
