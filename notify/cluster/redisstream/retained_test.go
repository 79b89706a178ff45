package redisstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/logtest"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// retainedHash is the hash of what is retained.
const retainedHash = "roomcast:{socket.io}:retained"

// retain publishes a text as the retained notification of a type of the channel c.
func retain(t testing.TB, h *notify.Hub, kind, text string, ttl time.Duration) notify.ID {
	t.Helper()
	id, err := tryRetain(t.Context(), h, kind, text, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func tryRetain(ctx context.Context, h *notify.Hub, kind, text string, ttl time.Duration) (notify.ID, error) {
	n := notify.Notification{Type: kind, Data: fmt.Appendf(nil, "%q", text), Retain: true, TTL: ttl}
	r, err := h.Publish(ctx, n, notify.ToChannel("c"))
	if err != nil {
		return notify.ID{}, err
	}
	return notify.ParseID(r.ID)
}

// shown returns what a Hub retains for the channel c: "<id> <type> <data> <metadata>", oldest first.
func shown(h *notify.Hub) (all []string) {
	for _, m := range h.Retained(notify.ToChannel("c")) {
		all = append(all, fmt.Sprint(m.ID, " ", m.Type, " ", string(m.Data), " ", string(m.Metadata)))
	}
	return all
}

// kinds returns "<type> <text>" of what a Hub retains for the channel c.
func kinds(h *notify.Hub) string {
	var all []string
	for _, m := range h.Retained(notify.ToChannel("c")) {
		all = append(all, m.Type+" "+strings.Trim(string(m.Data), `"`))
	}
	return strings.Join(all, ", ")
}

func awaitKinds(t testing.TB, want string, hubs ...*notify.Hub) {
	t.Helper()
	for i, h := range hubs {
		servertest.Eventually(t, fmt.Sprintf("node %d retains %q", i, want), func() bool {
			return kinds(h) == want
		})
	}
}

// startHubs returns a server and Hubs of n nodes.
func startHubs(t testing.TB, n int) (*redistest.Server, *Client, []*notify.Hub) {
	t.Helper()
	s, c := start(t)
	hubs := make([]*notify.Hub, n)
	for i := range hubs {
		hubs[i] = newHub(t, openLog(t, c, nil))
	}
	return s, c, hubs
}

// hashStore is the notify.RetainedStore of the contract: what the server has.
type hashStore struct {
	t *testing.T
	l *Log
}

func (s hashStore) Retained() []*notify.Message {
	state, _, err := s.l.readRetained(s.t.Context(), notify.ID{})
	if err != nil {
		s.t.Fatal(err)
	}
	return state.Messages
}

func (s hashStore) DeleteRetained(ctx context.Context, room, kind string) error {
	for _, m := range s.Retained() {
		if m.Rooms[0] == room && m.Type == kind {
			n, err := s.l.DeleteRetained(ctx, []notify.RetainedID{{Room: room, Type: kind, ID: m.ID}})
			if n != 1 && err == nil {
				err = fmt.Errorf("deleted %d", n)
			}
			return err
		}
	}
	return nil
}

func TestRetainedContract(t *testing.T) {
	t.Parallel()
	logtest.TestRetained(t, func(t *testing.T, now func() time.Time) func() logtest.RetainedLog {
		s := redistest.Start(t, redistest.Options{Users: []string{nodeUser}})
		o := options(s.URLOf("roomcast", "node-password"))
		o.Now = now
		c := dial(t, o)
		return func() logtest.RetainedLog {
			l := openLog(t, c, nil)
			return logtest.RetainedLog{Log: l, RetainedStore: hashStore{t, l}}
		}
	})
}

// What one node retains, replaces and deletes, all others have, also those that start later.
func TestRetainedOnAllNodes(t *testing.T) {
	t.Parallel()
	_, c, hubs := startHubs(t, 3)
	a, b, other := hubs[0], hubs[1], hubs[2]
	first := retain(t, a, "x", "x1", 0)
	retain(t, b, "y", "y1", time.Hour)
	awaitKinds(t, "x x1, y y1", hubs...)
	if x, y, z := shown(a), shown(b), shown(other); !slices.Equal(x, y) || !slices.Equal(x, z) {
		t.Errorf("the nodes have\n%q\n%q\n%q", x, y, z)
	}
	m := servertest.Attach(t, other, "late", "u", "c")
	buf := make([]notify.Delivery, 8)
	n, _ := m.Pull(buf)
	if n != 2 || buf[0].Retained == nil || buf[0].Retained.Message.ID != first ||
		buf[0].Retained.ID != other.Head() {
		t.Errorf("the member has %d deliveries, the first %+v", n, buf[0])
	}

	retain(t, b, "x", "x2", 0)
	awaitKinds(t, "y y1, x x2", hubs...)
	if got := shown(newHub(t, openLog(t, c, nil))); !slices.Equal(got, shown(a)) {
		t.Errorf("a node that starts has\n%q, want\n%q", got, shown(a))
	}

	deleted, err := other.DeleteRetained(t.Context(), notify.ToChannel("c"), "y")
	if deleted != 1 || err != nil {
		t.Errorf("deleted %d, %v", deleted, err)
	}
	awaitKinds(t, "x x2", hubs...)
	deleted, err = a.DeleteRetained(t.Context(), notify.ToChannel("c"), "")
	if deleted != 1 || err != nil {
		t.Errorf("deleted %d, %v", deleted, err)
	}
	awaitKinds(t, "", append(hubs, newHub(t, openLog(t, c, nil)))...)
	retain(t, a, "x", "x3", 0)
	awaitKinds(t, "x x3", hubs...)
}

// A node deletes what another one has published before, and never what comes after it.
func TestDeleteIsOrdered(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	l := openLog(t, c, nil)
	a, b := newHub(t, l), newHub(t, openLog(t, c, nil))
	for i := range 50 {
		retain(t, a, "x", fmt.Sprint(i), 0)
		if n, err := b.DeleteRetained(t.Context(), notify.ToChannel("c"), "x"); n != 1 || err != nil {
			t.Fatalf("deletion %d: %d, %v", i, n, err)
		}
	}
	old := retain(t, a, "x", "old", 0)
	last := retain(t, b, "x", "new", 0)
	late := []notify.RetainedID{{Room: "c", Type: "x", ID: old}}
	entries := s.Do(t, "XLEN", "socket.io")
	if n, err := l.DeleteRetained(t.Context(), late); n != 0 || err != nil {
		t.Errorf("a late deletion: %d, %v", n, err)
	}
	if s.Do(t, "XLEN", "socket.io") != entries {
		t.Error("a deletion of nothing is in the stream")
	}
	awaitKinds(t, "x new", a, b, newHub(t, openLog(t, c, nil)))
	// The same, if the entry of a deletion is in the stream in another way.
	s.Do(t, "XADD", "socket.io", "*", "rc",
		`{"v":1,"k":"delete","u":"7263aabbccddeeff","room":"c","type":"x","id":"`+old.String()+`"}`)
	send(t, a, "after")
	if got := kinds(a); got != "x new" {
		t.Errorf("after a late deletion: %q", got)
	}
	s.Do(t, "XADD", "socket.io", "*", "rc",
		`{"v":1,"k":"delete","u":"7263aabbccddeeff","room":"c","type":"x","id":"`+last.String()+`"}`)
	awaitKinds(t, "", a, b)
}

// What is over is not retained any more, and leaves the server.
func TestRetainedIsOver(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	o := options(s.URL())
	var later atomic.Int64
	o.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	c := dial(t, o)
	open := func() *notify.Hub {
		l := openLog(t, c, nil)
		ho := notify.DefaultOptions()
		ho.Now = o.Now
		h := notify.New(l, ho)
		t.Cleanup(h.Close)
		servertest.Receive(t, l.Ready())
		return h
	}
	a, b := open(), open()
	retain(t, a, "x", "1", time.Hour)
	retain(t, a, "y", "2", 0)
	retain(t, b, "z", "3", 2*time.Hour)
	retain(t, b, "y", "4", time.Hour)
	retain(t, b, "y", "5", 0)
	awaitKinds(t, "x 1, z 3, y 5", a, b)
	later.Store(int64(time.Hour))
	awaitKinds(t, "z 3, y 5", a, b, open())

	later.Store(0) // as the clock of the server
	retain(t, a, "short", "4", time.Millisecond)
	servertest.Eventually(t, "the server has only what is not over by its clock", func() bool {
		retain(t, a, "y", "6", 0)
		return s.Do(t, "HLEN", retainedHash) == int64(3)
	})
	if n := s.Do(t, "ZCARD", retainedHash+":ends"); n != int64(2) {
		t.Errorf("%v have an end, want 2", n)
	}
}

// A repeated request with retain is carried out once, and a node on a full server retains nothing.
func TestRetainedOnce(t *testing.T) {
	t.Parallel()
	s, c, hubs := startHubs(t, 2)
	in := answers(c)
	for i, h := range hubs {
		claim := notify.Claim{In: in, Key: "k", TTL: time.Minute, Value: func(r []notify.Result) []byte {
			return []byte(r[0].Receipt.ID)
		}}
		_, err := tryRetain(notify.WithClaim(t.Context(), claim), h, "x", fmt.Sprint(i), 0)
		var claimed *notify.ClaimedError
		if i == 0 && err != nil || i == 1 && !errors.As(err, &claimed) {
			t.Errorf("publish %d: %v", i, err)
		}
	}
	awaitKinds(t, "x 0", hubs...)
	entries := s.Do(t, "XLEN", "socket.io")
	s.Do(t, "CONFIG", "SET", "maxmemory", "1")
	if _, err := tryRetain(t.Context(), hubs[0], "y", "1", 0); !errors.Is(err, notify.ErrUnavailable) ||
		errors.Is(err, notify.ErrUncertain) {
		t.Errorf("on a full server: %v", err)
	}
	if _, err := hubs[0].DeleteRetained(t.Context(), notify.ToChannel("c"), "x"); !errors.Is(err, notify.ErrUnavailable) {
		t.Errorf("a deletion on a full server: %v", err)
	}
	if s.Do(t, "HLEN", retainedHash) != int64(1) || s.Do(t, "XLEN", "socket.io") != entries {
		t.Error("the server has changed")
	}
	s.Do(t, "CONFIG", "SET", "maxmemory", "0")
	if n, err := hubs[1].DeleteRetained(t.Context(), notify.ToChannel("c"), "x"); n != 1 || err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
	s.Kill()
	if _, err := hubs[0].DeleteRetained(t.Context(), notify.ToChannel("c"), "x"); !errors.Is(err, notify.ErrUnavailable) {
		t.Errorf("a deletion without a server: %v", err)
	}
}

// What the nodes retain together is bounded at each, also against the others and a foreign hash.
func TestRetainedBounds(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	open := func(size int, bytes int64) (*notify.Hub, *servertest.Log) {
		logger, log := servertest.NewLog()
		o := c.o
		o.Log = logger
		l := openLog(t, dial(t, o), func(o *LogOptions) { o.RetainedBytes = bytes })
		ho := notify.DefaultOptions()
		ho.RetainedSize, ho.RetainedMaxBytes = size, bytes
		h := notify.New(l, ho)
		t.Cleanup(h.Close)
		servertest.Receive(t, l.Ready())
		return h, log
	}
	large, _ := open(100, 1<<20)
	few, _ := open(2, 1<<20)
	none, _ := open(2, 0)
	for i := range 5 {
		retain(t, large, fmt.Sprint("t", i), "x", 0)
	}
	awaitKinds(t, "t0 x, t1 x, t2 x, t3 x, t4 x", large)
	awaitKinds(t, "t0 x, t1 x, t2 x, t3 x", few) // twice as many
	var full *notify.RetainError
	if _, err := tryRetain(t.Context(), few, "new", "x", 0); !errors.As(err, &full) {
		t.Errorf("above the limit: %v", err)
	}
	retain(t, large, "t0", strings.Repeat("x", 3000), 0)
	small, log := open(100, 1000)
	if n := len(small.Retained(notify.ToChannel("c"))); n > 2 || !strings.Contains(log.Text(), "RETAINED_MAX_BYTES") {
		t.Errorf("a node with less memory has %d, log %s", n, log.Text())
	}

	s.Do(t, "HSET", retainedHash, "garbage", "garbage", retainedSlot("c", "t9"), "5-1 3:uid")
	text := s.Do(t, "HGET", retainedHash, retainedSlot("c", "t1")).(string)
	s.Do(t, "HSET", retainedHash, retainedSlot("c", "t8"), text) // of another type
	late, log := open(100, 1<<20)
	awaitKinds(t, kinds(large), late)
	if !strings.Contains(log.Text(), "a retained notification is damaged") {
		t.Errorf("log %s", log.Text())
	}
	if got := kinds(none); got != "" {
		t.Errorf("a node that retains nothing has %q", got)
	}
}
