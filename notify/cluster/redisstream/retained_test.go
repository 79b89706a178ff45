package redisstream

import (
	"context"
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
