package redisstream

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/chaos"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// Everything that is stored is published once and in order, whatever happens to the nodes and their
// connections.
func TestBridgeMoves(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	weather := chaos.New(t, s.Addr(), 1)
	near := openLog(t, dial(t, bridged(s.URL())), nil)
	readFrom(t, near)
	h := hear(t, s)
	var sent int
	send := func(n int) {
		for range n {
			add(t, near, fmt.Sprint("message ", sent))
			sent++
		}
	}
	for round := range servertest.Soaked(2) {
		c := dial(t, bridged("redis://"+weather.Addr))
		far := openLog(t, c, nil)
		g := bridgeOf(t, far)
		hearing(t, s, g)
		send(5)
		weather.Cut(1)
		send(5)
		h.await(t, sent)
		if round%2 == 0 {
			weather.Stall(true) // the node does not know that it will have lost the lock
		} else {
			g.Close()
		}
		send(5) // nobody publishes them
		next := bridgeOf(t, near)
		h.await(t, sent)
		weather.Stall(false)
		next.Close()
		g.Close()
		_ = far.Close()
		c.Close()
	}
	add(t, near, "last")
	g := bridgeOf(t, near)
	got := h.await(t, sent+1)
	for i, text := range got[:sent] {
		if !strings.Contains(text, fmt.Sprintf(`"message %d"`, i)) {
			t.Fatalf("message %d is %s", i, text)
		}
	}
	if len(got) != sent+1 || g.Dropped() != 0 {
		t.Errorf("%d messages of %d, dropped %d", len(got), sent+1, g.Dropped())
	}
}

// When the reply to what was published is lost, it is not published again. Nothing is published with a
// lock that another node has, or from another position.
func TestBridgeReplyIsLost(t *testing.T) {
	t.Parallel()
	s, c, d := startDeaf(t)
	l := openLog(t, c, nil)
	readFrom(t, l)
	h := hear(t, s)
	b := newBridge(&Ingest{o: IngestOptions{Servers: "other"}, l: l, c: c}, "term")
	s.Do(t, "SET", b.g.lockKey(), "term")
	ctx := t.Context()
	if err := b.find(ctx); err != nil || b.position == "" {
		t.Fatalf("position %q, %v", b.position, err)
	}
	first := b.position
	publish := func(text string) error {
		return b.move(ctx, b.position, first+text, []any{"socket.io-request#/#", text})
	}
	reader := b.l
	b.l = &Log{c: c, of: c} // whose client loses a reply
	defer func() { b.l = reader }()
	d.next.Store(true)
	if err := publish("0"); err == nil {
		t.Error("the reply was not lost")
	}
	if err := publish("1"); err != nil || b.position != "" {
		t.Errorf("from a former position: %v, now %q", err, b.position)
	}
	b.position = first + "0"
	if err := publish("2"); err != nil {
		t.Error(err)
	}
	s.Do(t, "SET", b.g.lockKey(), "another")
	if err := publish("3"); !errors.Is(err, errNoHolder) {
		t.Errorf("without the lock: %v", err)
	}
	s.Do(t, "PUBLISH", "socket.io-request#/#", "last")
	want := []string{"socket.io-request#/# 0", "socket.io-request#/# 2", "socket.io-request#/# last"}
	if got := h.await(t, len(want)); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// A bridge begins with what is stored since its node has begun, or where another node has stopped, and with
// nothing that is much older than the newest entry.
func TestBridgeBegins(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	l := openLog(t, c, nil)
	g := &Ingest{o: IngestOptions{Servers: "other"}, l: l, c: c}
	s.Do(t, "SET", g.lockKey(), "term")
	up := l.up.ms
	age := uint64(bridgeMaxAge.Milliseconds())
	for _, tt := range []struct {
		name, known, newest string // newest is written before
		want                streamID
	}{
		{"first", "", "", l.up},
		{"recent", streamID{up - 1000, 7}.String(), "", streamID{up - 1000, 7}},
		{"old", "1-7", "", streamID{ms: up - age}},
		{"first, after a while", "", streamID{ms: up + age + 1000}.String(), streamID{ms: up + 1000}},
	} {
		s.Do(t, "DEL", "roomcast:{socket.io}:bridge")
		if tt.newest != "" {
			s.Do(t, "XADD", "socket.io", tt.newest, "a", "b")
		}
		if tt.known != "" {
			s.Do(t, "SET", "roomcast:{socket.io}:bridge", tt.known)
		}
		b, want := newBridge(g, "term"), tt.want.String()
		if err := b.find(t.Context()); err != nil || b.position != want {
			t.Errorf("%s: %q, %v, want %q", tt.name, b.position, err, want)
		}
		if kept := s.Do(t, "GET", "roomcast:{socket.io}:bridge"); kept != want {
			t.Errorf("%s: kept %v, want %s", tt.name, kept, want)
		}
	}
}

// A server that comes back empty has a new stream, of which everything is published.
func TestBridgeAfterLoss(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	l := openLog(t, dial(t, bridged(s.URL())), nil)
	readFrom(t, l)
	hearing(t, s, bridgeOf(t, l))
	passed(t, s, add(t, l, "before"))
	h := hear(t, s)
	add(t, l, "here")
	h.await(t, 1)
	s.Do(t, "FLUSHALL")
	add(t, l, "after")
	servertest.Eventually(t, "the message after the loss", func() bool {
		return slices.ContainsFunc(h.texts(), func(text string) bool { return strings.Contains(text, `"after"`) })
	})
	if got := h.texts(); strings.Count(strings.Join(got, ""), `"after"`) != 1 || len(got) > 2 {
		t.Errorf("got %q", got)
	}
}

// A server that stores nothing at present, but publishes, gets nothing to publish: it would get it again and
// again.
func TestBridgeWithoutMemory(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	l := openLog(t, dial(t, bridged(s.URL())), nil)
	readFrom(t, l)
	g := &Ingest{o: IngestOptions{Servers: DefaultServersKey}, l: l, c: l.of}
	s.Do(t, "SET", g.lockKey(), "term")
	b := newBridge(g, "term")
	if err := b.find(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := hear(t, s)
	add(t, l, "once")
	entries, err := b.read(t.Context())
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	s.Do(t, "CONFIG", "SET", "maxmemory", "1")
	for range 3 {
		if err := b.publish(t.Context(), entries); err == nil {
			t.Error("the position could not be stored")
		}
	}
	s.Do(t, "CONFIG", "SET", "maxmemory", "0")
	if err := b.publish(t.Context(), entries); err != nil {
		t.Error(err)
	}
	s.Do(t, "PUBLISH", "socket.io-request#/#", "last")
	if got := h.await(t, 2); len(got) != 2 || !strings.Contains(got[0], `"once"`) {
		t.Errorf("got %q", got)
	}
}

// An entry that a link carries in more time than a page or Timeout is found and read, whether or not the
// bridge waits for it.
func TestBridgeReadsSlowly(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	addLarge(t, s, 1, 400<<10)
	proxy := chaos.New(t, s.Addr(), 1)
	proxy.Limit(160 << 10) // 2.5 s
	c, _ := newClient(t, options("redis://"+proxy.Addr))
	c.pageTimeout, c.entryTimeout = Timeout+time.Millisecond, servertest.Patience
	l := unread(c)
	b := newBridge(&Ingest{l: l, c: c}, "term")
	l.up = streamID{ms: uint64(time.Now().UnixMilli())}
	s.Do(t, "SET", b.key(), l.up.String())
	// On a slow machine there can be no connection in time.
	servertest.Eventually(t, "the position", func() bool {
		return b.find(t.Context()) == nil && b.position == l.up.String()
	})
	b.position, b.page = "0-0", 2
	servertest.Eventually(t, "a page of one", func() bool {
		_, err := b.read(t.Context())
		return err != nil && b.page == 1
	})
	for _, isSure := range []bool{false, true} {
		servertest.Eventually(t, "the entry", func() bool {
			b.isSure, b.page = isSure, 1
			entries, err := b.read(t.Context())
			return err == nil && len(entries) == 1
		})
	}
}

// The same is published.
func TestBridgePublishesSlowly(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	proxy := chaos.New(t, s.Addr(), 1)
	c, _ := newClient(t, options("redis://"+proxy.Addr))
	c.entryTimeout = servertest.Patience
	b := newBridge(&Ingest{l: unread(c), c: c}, "term")
	s.Do(t, "SET", b.g.lockKey(), "term")
	large := make([]byte, largeEntry+1)
	if err := c.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	proxy.Limit(len(large) * 2 / 5) // 2.5 s, and again with the text of the script
	if err := b.move(t.Context(), "", "1-1", []any{[]byte("channel"), large}); err != nil || b.position != "1-1" {
		t.Errorf("position %q, %v", b.position, err)
	}
}

// Large entries are published in parts: Redis ends the connection of a subscriber that is sent 32 MiB at
// once. A channel that the rules of the user do not allow loses its own messages only.
func TestBridgeLargeEntries(t *testing.T) {
	t.Parallel()
	user := strings.ReplaceAll(nodeUser, "socket.io*", "roomcast*") + " &socket.io*"
	s := redistest.Start(t, redistest.Options{Users: []string{user}})
	c := dial(t, bridged(s.URLOf("roomcast", "node-password")))
	l := openLog(t, c, nil)
	readFrom(t, l)
	s.Do(t, "CONFIG", "SET", "client-output-buffer-limit", "pubsub 3mb 3mb 0") // 32 MiB by default
	h := hear(t, s)
	const n = 12 // 6 MiB
	large := `{"packet":{"type":2,"data":["e","` + strings.Repeat("x", 512<<10) + `"]},"opts":{"rooms":["r"]}}`
	for _, data := range append([]string{strings.Replace(large, "xxx", "before", 1)}, slices.Repeat([]string{large}, n)...) {
		s.Do(t, "XADD", "roomcast", "*", "uid", "aa", "nsp", "/", "type", "3", "data", data)
	}
	g := bridgeOf(t, l)
	got := h.await(t, n+1)
	if len(got) != n+1 || !strings.Contains(got[0], `"before`) || g.Dropped() != 0 {
		t.Errorf("%d messages, dropped %d", len(got), g.Dropped())
	}
	other := newBridge(&Ingest{o: IngestOptions{Servers: "forbidden"}, l: l, c: c}, "x")
	s.Do(t, "SET", other.g.lockKey(), "x")
	if err := other.find(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := other.move(t.Context(), other.position, "9-9",
		[]any{"forbidden#/#", "a", "socket.io-request#/#", "b"}); err != nil || other.g.Dropped() != 1 {
		t.Errorf("%v, dropped %d", err, other.g.Dropped())
	}
	if got := h.await(t, n+2); got[n+1] != "socket.io-request#/# b" {
		t.Errorf("got %.100q", got[n+1])
	}
}
