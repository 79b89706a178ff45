package redisstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify/cluster"
	"github.com/roomcast/roomcast/notify/cluster/bustest"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/chaos"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

func uid(n int) string { return fmt.Sprintf("7263%012x", n) }

// join adds a node, which the test closes.
func join(t testing.TB, c *Client, n int) *Bus {
	t.Helper()
	b, err := c.Join(t.Context(), cluster.Node{UID: uid(n), Addr: fmt.Sprintf("10.0.0.%d:3000", n),
		Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	b.askTimeout = servertest.Patience
	t.Cleanup(b.Close)
	return b
}

func TestBus(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{Users: []string{nodeUser}})
	bustest.Test(t, func(t testing.TB, n int) (handles []bustest.Handle) {
		for i := range n {
			o := options(s.URLOf("roomcast", "node-password"))
			o.Stream = strings.Map(letters, t.Name())
			b := join(t, dial(t, o), i)
			handles = append(handles, bustest.Handle{Bus: b, UID: b.Self().UID})
		}
		return handles
	})
}

// letters makes a name of a stream from that of a test. The user may use those with this beginning.
func letters(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return r
	}
	return '-'
}

// The nodes of a Redis Cluster talk, whichever server they have asked for the others.
func TestBusOfRedisCluster(t *testing.T) {
	t.Parallel()
	servers := redistest.StartCluster(t, 3)
	bustest.Test(t, func(t testing.TB, n int) (handles []bustest.Handle) {
		for i := range n {
			o := options(servers[i].URL() + "?cluster=true")
			o.Stream = strings.Map(letters, t.Name())
			b := join(t, dial(t, o), i)
			handles = append(handles, bustest.Handle{Bus: b, UID: b.Self().UID})
		}
		return handles
	})
}

func TestNodes(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	one, two := join(t, c, 1), join(t, dial(t, options(s.URL())), 2)
	nodes, err := two.Nodes(t.Context())
	if err != nil || !slices.Equal(nodes, []cluster.Node{one.Self(), two.Self()}) {
		t.Errorf("%+v %v", nodes, err)
	}
	if nodes[0].Tag == nodes[1].Tag || len(nodes[0].Tag) != 4 || nodes[0].Addr != "10.0.0.1:3000" ||
		nodes[0].Version != "1.2.3" {
		t.Errorf("%+v", nodes)
	}
	for _, key := range []string{"node:" + uid(1), "tag:" + one.Self().Tag} {
		left := s.Do(t, "PTTL", "roomcast:{socket.io}:"+key).(int64)
		if left <= 0 || left > nodeLife.Milliseconds() {
			t.Errorf("%s expires in %d ms", key, left)
		}
	}
	two.Close()
	if nodes, err := one.Nodes(t.Context()); err != nil || len(nodes) != 1 {
		t.Errorf("after one has left: %+v %v", nodes, err)
	}
	if keys := s.Do(t, "KEYS", "*").([]any); len(keys) != 3 {
		t.Errorf("keys: %q", keys)
	}
}

// A node that has died without leaving is silent, until it expires.
func TestDeadNode(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	one := join(t, c, 1)
	s.Do(t, "HSET", "roomcast:{socket.io}:nodes", uid(2), "")
	s.Do(t, "SET", "roomcast:{socket.io}:node:"+uid(2), `{"uid":"`+uid(2)+`","tag":"abcd"}`)
	one.askTimeout = time.Millisecond
	answers, silent, err := one.Ask(t.Context(), "kind", nil)
	if errors.Is(err, ErrUnavailable) { // a slow machine did not even ask
		silent, err = []string{uid(2)}, nil
	}
	if len(answers) != 0 || !slices.Equal(silent, []string{uid(2)}) || err != nil {
		t.Errorf("%v %v %v", answers, silent, err)
	}
	one.askTimeout = servertest.Patience
	s.Do(t, "DEL", "roomcast:{socket.io}:node:"+uid(2))
	if _, silent, err = one.Ask(t.Context(), "kind", nil); len(silent) != 0 || err != nil {
		t.Errorf("after it has expired: %v %v", silent, err)
	}
	if fields := s.Do(t, "HKEYS", "roomcast:{socket.io}:nodes"); fmt.Sprint(fields) != "["+uid(1)+"]" {
		t.Errorf("the hash of nodes: %v", fields)
	}
}

// A node whose tag has been given to another one takes a new one, and Redis that is empty gets all
// of it again.
func TestTags(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	b := join(t, c, 1)
	former := b.Self().Tag
	s.Do(t, "SET", "roomcast:{socket.io}:tag:"+former, uid(2))
	if err := b.register(t.Context()); err != nil || b.Self().Tag == former {
		t.Errorf("%v, the tag is %s, was %s", err, b.Self().Tag, former)
	}
	if owner := s.Do(t, "GET", "roomcast:{socket.io}:tag:"+former); owner != uid(2) {
		t.Errorf("the former tag belongs to %v", owner)
	}
	now := b.Self().Tag
	s.Do(t, "FLUSHALL")
	if err := b.register(t.Context()); err != nil || b.Self().Tag != now {
		t.Errorf("%v, the tag is %s, was %s", err, b.Self().Tag, now)
	}
	if nodes, err := b.Nodes(t.Context()); err != nil || len(nodes) != 1 {
		t.Errorf("%+v %v", nodes, err)
	}
}

// A bus whose connections break subscribes again, and works after the server has come back empty.
func TestBusReconnects(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	proxy := chaos.New(t, s.Addr(), 1)
	one, two := join(t, c, 1), join(t, dial(t, options("redis://"+proxy.Addr)), 2)
	answer := func(string, []byte) []byte { return []byte("here") }
	one.Handle("kind", answer)
	two.Handle("kind", answer)
	hears := func(b *Bus, other string) {
		t.Helper()
		wait := 10 * time.Millisecond // an answer can be lost
		servertest.Eventually(t, "a node answers", func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			defer cancel()
			wait = min(2*wait, Timeout)
			answers, _, err := b.Ask(ctx, "kind", nil)
			return err == nil && string(answers[other]) == "here"
		})
	}
	for range 5 {
		proxy.Cut(1)
		hears(two, uid(1))
		hears(one, uid(2))
	}
	s.RestartEmpty(t)
	servertest.Eventually(t, "the nodes register again", func() bool {
		nodes, err := one.Nodes(t.Context())
		return err == nil && len(nodes) == 2
	})
	hears(two, uid(1))
	hears(one, uid(2))
}

// Without the server nobody is told or asked, and Join waits.
func TestBusWithoutServer(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	b := join(t, c, 1)
	s.Kill()
	servertest.Eventually(t, "the bus notices", func() bool { return !b.hears.Load() })
	_, _, ask := b.Ask(t.Context(), "kind", nil)
	for name, err := range map[string]error{"Ask": ask, "Tell": b.Tell(t.Context(), "kind", nil)} {
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	joined := make(chan *Bus)
	go func() {
		other, err := c.Join(t.Context(), cluster.Node{UID: uid(2)})
		if err != nil {
			t.Error(err)
		}
		joined <- other
	}()
	s.Restart(t)
	servertest.Receive(t, joined).Close()
	b.Close()
	if err := b.Tell(t.Context(), "kind", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Tell of a closed bus: %v", err)
	}
	if _, err := c.Join(t.Context(), cluster.Node{UID: "node 1"}); err == nil ||
		err.Error() != `uid "node 1": expected 16 hexadecimal digits` {
		t.Errorf("a wrong uid: %v", err)
	}
}

// Messages that no handler has time for are dropped, and hold a bounded number of bytes.
func TestInboxIsBounded(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]int{
		0: maxInbox, cluster.MaxBody: maxInboxBytes / cluster.MaxBody,
	} {
		i := inbox{frames: make(chan frame, maxInbox)}
		f := frame{body: make([]byte, size)}
		n := 0
		for i.put(f) {
			n++
		}
		if n != want {
			t.Errorf("%d messages of %d bytes, want %d", n, size, want)
		}
		i.taken(<-i.frames)
		if !i.put(f) || i.put(f) {
			t.Errorf("%d bytes: one left, and not one came", size)
		}
	}
}

// A flood of messages is one line of the log, and not one for each.
func TestFloodIsOneLine(t *testing.T) {
	t.Parallel()
	c, log := newClient(t, options("redis://127.0.0.1:1"))
	b, err := c.newBus(cluster.Node{UID: uid(1)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.end()
	message := string(frame{is: isTell, from: uid(2), kind: "k"}.append(nil))
	for range maxInbox + 100 { // nothing handles them
		b.receive(message)
	}
	if n := strings.Count(log.Text(), "dropped messages of other nodes"); n != 1 || b.dropped.Load() != 99 {
		t.Errorf("%d lines, and %d messages for the next one", n, b.dropped.Load())
	}
}
