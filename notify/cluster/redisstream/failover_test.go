package redisstream

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/chaos"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// pair is a primary with a replica, and a client of whichever serves.
type pair struct {
	primary, replica *redistest.Server
	proxy            *chaos.Proxy
	client           *Client
}

func startPair(t *testing.T) *pair {
	t.Helper()
	primary := redistest.Start(t, redistest.Options{})
	replica := redistest.Start(t, redistest.Options{ReplicaOf: primary})
	proxy := chaos.New(t, primary.Addr(), 1)
	return &pair{primary, replica, proxy, dial(t, options("redis://"+proxy.Addr))}
}

// part breaks the link between the servers after the replica has got everything.
func (p *pair) part(t *testing.T) {
	t.Helper()
	servertest.Eventually(t, "the replica has everything", func() bool {
		return p.replica.Do(t, "XLEN", "socket.io") == p.primary.Do(t, "XLEN", "socket.io")
	})
	p.replica.Do(t, "REPLICAOF", "NO", "ONE")
}

// takeOver lets the replica serve.
func (p *pair) takeOver() {
	p.proxy.Target(p.replica.Addr())
	p.proxy.Cut(1)
	p.primary.Kill()
}

// A replica that has not got the last messages takes over: each node loses them once, no id comes
// twice, and what is acknowledged after that is delivered, also when the clock of the replica is
// behind (R04).
func TestReplicaTakesOver(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"same clock": 0, "clock behind": time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startPair(t)
			c, primary := p.client, p.primary
			a, b := openLog(t, c, nil), openLog(t, c, nil)
			ra, rb := readFrom(t, a), readFrom(t, b)
			common := add(t, a, "common")
			rb.awaitText(t, "common")
			p.part(t)
			if ahead > 0 {
				at := fmt.Sprint(time.Now().Add(ahead).UnixMilli(), "-0")
				primary.Do(t, "XADD", "socket.io", at, "x", "y")
			}
			var last *notify.Message
			for i := range 5 {
				last = add(t, a, fmt.Sprint("lost ", i))
			}
			rb.awaitText(t, "lost 4")

			p.takeOver()
			for i := range 20 {
				l := []*Log{a, b}[i%2]
				servertest.Eventually(t, "a publish", func() bool {
					return l.Append(t.Context(), []*notify.Message{message(fmt.Sprint("new ", i))}) == nil
				})
			}
			ra.awaitText(t, "new 19")
			rb.awaitText(t, "new 19")
			if got := ra.lost(); !slices.Equal(got, []notify.ID{common.ID}) || !slices.Equal(got, rb.lost()) {
				t.Errorf("losses after %v and %v, want one after %v", got, rb.lost(), common.ID)
			}
			expectNew(t, ra)
			if x, y := ra.ids(), rb.ids(); !slices.Equal(x, y) {
				t.Errorf("the nodes have\n%q\n%q", x, y)
			}
			// A node that starts later knows which cursors are of lost messages.
			late := openLog(t, c, nil)
			r := readFrom(t, late)
			servertest.Receive(t, late.Ready())
			if want := (notify.Fork{From: common.ID, To: last.ID}); !slices.Contains(r.forks, want) {
				t.Errorf("forks %v, want %v", r.forks, want)
			}
			if r.lost() != nil || r.texts()[0] != `"common"` || r.texts()[1] != `"new 0"` {
				t.Errorf("losses %v, messages %q", r.lost(), r.texts())
			}
		})
	}
}

// expectNew checks that a reader has the new messages once, in their order, and no id twice.
func expectNew(t *testing.T, r *reader) {
	t.Helper()
	seen := map[string]bool{}
	next := 0
	for i, m := range r.messages {
		if seen[m.ID.String()] {
			t.Errorf("id %v comes twice", m.ID)
		}
		seen[m.ID.String()] = true
		if i < 6 {
			continue // common, lost
		}
		if want := fmt.Sprintf(`"new %d"`, next); string(m.Data) != want {
			t.Errorf("got %s, want %s", m.Data, want)
		}
		if next++; i > 6 && m.ID.Seq <= r.messages[i-1].ID.Seq {
			t.Errorf("id %v after %v", m.ID, r.messages[i-1].ID)
		}
	}
	if next != 20 {
		t.Errorf("%d of 20 new messages", next)
	}
}

// The clients of all nodes get one gap, and then what is published next.
func TestClientsOverFailover(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	a, b := newHub(t, openLog(t, p.client, nil)), newHub(t, openLog(t, p.client, nil))
	members := []*notify.Member{servertest.Attach(t, a, "a", "u", "c"), servertest.Attach(t, b, "b", "u", "c")}
	seen := make([][]string, 2)
	await := func(id string) {
		t.Helper()
		servertest.Eventually(t, "message "+id, func() bool {
			for i, m := range members {
				seen[i] = pulled(m, seen[i])
			}
			return slices.Contains(seen[0], id) && slices.Contains(seen[1], id)
		})
	}
	want := []string{send(t, a, "common").ID}
	await(want[0])
	p.part(t)
	for range 3 {
		want = append(want, send(t, b, "lost").ID)
	}
	await(want[3])
	p.takeOver()
	want = append(want, "gap "+notify.GapEpoch)
	for i := range 5 {
		servertest.Eventually(t, "a publish", func() bool {
			receipt, err := []*notify.Hub{a, b}[i%2].Publish(t.Context(), notify.Notification{Type: "t"},
				notify.ToChannel("c"))
			if err == nil {
				want = append(want, receipt.ID)
			}
			return err == nil
		})
	}
	await(want[len(want)-1])
	for i := range members {
		if !slices.Equal(seen[i], want) {
			t.Errorf("client %d got\n%q, want\n%q", i, seen[i], want)
		}
	}
}

// With Replicate a message without a replica is not acknowledged. A publish that is repeated with its
// key is not either, until a replica has the message, though the server has the value of the key.
func TestReplicate(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t, redistest.Options{Users: []string{nodeUser}})
	replica := redistest.Start(t, redistest.Options{ReplicaOf: primary})
	o := options(primary.URLOf("roomcast", "node-password"))
	o.Replicate = true
	c := dial(t, o)
	l := openLog(t, c, nil)
	h, in := newHub(t, l), answers(c)
	servertest.Eventually(t, "publishes with a replica", func() bool {
		_, err := once(t, h, in, "first", "replicated")
		_, err2 := h.Publish(t.Context(), notify.Notification{Type: "t", Retain: true}, notify.ToChannel("c"))
		return err == nil && err2 == nil
	})
	if replica.Do(t, "XLEN", "socket.io").(int64) < 2 {
		t.Error("the replica does not have the message")
	}
	replica.Pause(t)
	expectUncertain := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, notify.ErrUncertain) {
			t.Errorf("%s without a replica: %v", what, err)
		}
	}
	for _, what := range []string{"the first call", "the repetition"} {
		_, err := once(t, h, in, "second", "alone")
		expectUncertain(what, err)
		_, err = h.DeleteRetained(t.Context(), notify.ToChannel("c"), "")
		expectUncertain(what+" of a deletion", err)
	}
	for _, key := range []string{"first", "second"} {
		_, err := in.Get(t.Context(), key)
		expectUncertain("the value of "+key, err)
	}
	if value, err := in.Get(t.Context(), "none"); value != nil || err != nil {
		t.Errorf("no value: %q %v", value, err)
	}

	replica.Continue(t)
	var value string
	servertest.Eventually(t, "the repetition with a replica", func() (ok bool) {
		var err error
		value, err = once(t, h, in, "second", "alone")
		return err == nil
	})
	servertest.Eventually(t, "the value with a replica", func() (ok bool) {
		stored, err := in.Get(t.Context(), "second")
		return string(stored) == value && err == nil
	})
	_, id, _ := strings.Cut(strings.TrimSuffix(value, "."), "}, ")
	if found, _ := replica.Do(t, "XRANGE", "socket.io", id, id).([]any); len(found) != 1 {
		t.Errorf("the replica has %v with the id of %s", found, value)
	}
}

// A node that has not read as far as the fork gets no loss, but knows of it.
func TestForkOfAnotherNode(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	l := openLog(t, c, nil)
	r := readFrom(t, l)
	m := add(t, l, "x")
	e := nodewire.Entry{Type: nodewire.TypeSignal, UID: nodewire.NewUID(), Signal: nodewire.Signal{
		Kind: nodewire.SignalFork, From: m.ID, To: notify.ID{Epoch: notify.StreamEpoch, Seq: m.ID.Seq + 5}}}
	f, err := e.Fields()
	if err != nil {
		t.Fatal(err)
	}
	s.Do(t, append([]string{"XADD", "socket.io", "*"}, f.Pairs()...)...)
	add(t, l, "y")
	r.mu.Lock()
	defer r.mu.Unlock()
	want := []notify.Fork{{From: m.ID, To: e.Signal.To}}
	if !slices.Equal(r.forks, want) || r.losses != nil {
		t.Errorf("forks %v, losses %v, want %v", r.forks, r.losses, want)
	}
}

// A stream whose clock has gone back goes on with the next millisecond before its numbers end.
func TestBump(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	l := openLog(t, c, nil)
	readFrom(t, l)
	ms := time.Now().Add(time.Hour).UnixMilli()
	s.Do(t, "XADD", "socket.io", fmt.Sprint(ms, "-", bumpAt), "x", "y")
	servertest.Eventually(t, "the next millisecond", func() bool {
		return add(t, l, "x").ID.Seq>>22 == uint64(ms+1)
	})
}
