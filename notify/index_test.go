package notify

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// history returns the sequence numbers of the messages that a room keeps.
func history(h *Hub, name string) (seqs []uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.index.table.Room(name); r != nil {
		for _, ref := range r.State.kept.all() {
			seqs = append(seqs, ref.seq)
		}
	}
	return seqs
}

func TestHistoryIsBoundedByCount(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{HistorySize: 3})
	for i := range 10 {
		send(t, h, "x", "busy")
		if i == 1 {
			send(t, h, "x", "quiet", "busy")
		}
	}
	if got := fmt.Sprint(history(h, "busy"), history(h, "quiet")); got != "[9 10 11] [3]" {
		t.Errorf("kept %s", got)
	}
	if s := h.Stats(); s.History != 4 {
		t.Errorf("%d messages kept, want 4: one is held by the quiet room alone", s.History)
	}
}

func TestHistoryIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	m := func(name string) *Message {
		return &Message{Rooms: []string{name}, Data: make([]byte, 500)}
	}
	bound := 5*cost(m("r0")) + 2*roomBytes("r0")
	h := newHub(t, Options{HistoryMaxBytes: bound})
	for i := range 100 {
		deliver(t, h, m(fmt.Sprint("r", i%2)))
		if s := h.Stats(); s.HistoryBytes > bound {
			t.Fatalf("%d bytes", s.HistoryBytes)
		}
	}
	if got := fmt.Sprint(history(h, "r0"), history(h, "r1")); got != "[97 99] [96 98 100]" {
		t.Errorf("kept %s", got)
	}
	deliver(t, h, &Message{Rooms: []string{"big"}, Data: make([]byte, bound)})
	if got := fmt.Sprint(history(h, "r0"), history(h, "r1"), history(h, "big")); got !=
		"[97 99] [96 98 100] []" {
		t.Errorf("after one larger than the bound %s", got)
	}
}

func TestHistoryIsBoundedByAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{HistoryTTL: 10 * time.Second})
		attach(t, h, Attachment{ClientID: "a", Rooms: []string{"stays"}})
		send(t, h, "x", "x", "stays")
		time.Sleep(6 * time.Second)
		send(t, h, "x", "x")
		time.Sleep(3 * time.Second)
		if got := fmt.Sprint(history(h, "x")); got != "[1 2]" {
			t.Errorf("after 9 s %s", got)
		}
		time.Sleep(2 * time.Second) // the sweeper ticks every second
		synctest.Wait()
		if got := fmt.Sprint(history(h, "x"), history(h, "stays")); got != "[2] []" {
			t.Errorf("after 11 s %s", got)
		}
		expect(t,
			attach(t, h, Attachment{ClientID: "b", Rooms: []string{"x", "stays"}, Resume: at(0)}),
			"gap(trimmed 0>1 [x stays] id 0) x recovery(false 1 0>2)")
		h.Member("/", "b").Detach()
		time.Sleep(6 * time.Second)
		synctest.Wait()
		// *, client:a, stays.
		if s := h.Stats(); s.Rooms != 3 || s.History != 0 || s.HistoryBytes != 0 {
			t.Errorf("after 17 s %+v", s)
		}
		h.Close()
	})
}

// A publish trims a few messages, so that HistoryTTL holds under load between two sweeps.
func TestPublishTrims(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{HistoryTTL: time.Second, HistorySize: 100})
		h.stop() // no sweeper
		numbers(t, h, 100)
		time.Sleep(time.Second)
		send(t, h, "x", "y")
		if got := len(history(h, "x")); got != 100-publishStep {
			t.Errorf("%d kept", got)
		}
		h.Sweep(time.Now())
		if s := h.Stats(); s.History != 1 || s.Rooms != 1 {
			t.Errorf("after a sweep %+v", s)
		}
	})
}

// An entry that no room holds releases its message, even while it is in the queue behind an entry
// that a room holds.
func TestDeadEntriesReleaseMessages(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{HistorySize: 2})
	send(t, h, "x", "quiet")
	for range 5000 {
		send(t, h, "x", "busy")
	}
	h.stop() // the sweep, so that the test can read without the lock
	entries := h.index.fifo.all()
	if len(entries) > 2100 || len(entries)-h.index.dead != 3 {
		t.Errorf("%d entries queued, %d dead", len(entries), h.index.dead)
	}
	for _, e := range entries {
		if (e.msg == nil) != (e.held == 0) {
			t.Fatalf("entry held by %d rooms, message %v", e.held, e.msg)
		}
	}
}

// The index obeys its limits for any order of publishes and sweeps.
func TestIndexRules(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := index{size: rapid.IntRange(1, 5).Draw(t, "size"), ttl: time.Minute,
			maxBytes: rapid.Int64Range(1000, 20_000).Draw(t, "bytes")}
		x.shares.Limit = x.maxBytes / historyShare
		now := time.Now()
		lost := map[string]uint64{}   // highest seq of a freed room
		sent := map[string][]uint64{} // all seqs of a room
		seq := uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) {
				seq++
				m := &Message{ID: ID{1, seq},
					Rooms: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3,
						rapid.ID).Draw(t, "rooms")}
				m.cost = cost(m)
				x.add(m, now)
				x.trim(now, 0)
				for _, r := range m.Rooms {
					sent[r] = append(sent[r], seq)
				}
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "seconds")) * time.Second)
			},
			"sweep": func(*rapid.T) { x.trim(now, 1000) },
			"": func(t *rapid.T) {
				held, bytes := map[*entry]int{}, int64(0)
				for name, all := range sent {
					kept := []ref{}
					floor := x.floor
					if r := x.table.Room(name); r != nil {
						kept, floor = r.State.kept.all(), r.State.lost
						charged, heavy := int64(0), slices.Contains(x.shares.Heavy(), &r.State.cost)
						for _, ref := range kept {
							charged += perRoom(ref.entry.msg)
						}
						if charged != r.State.cost.Bytes || heavy != (charged > x.shares.Limit) {
							t.Fatalf("room %s has %d bytes, %d counted, heavy %t", name, charged,
								r.State.cost.Bytes, heavy)
						}
						if len(kept) == 0 {
							t.Fatalf("room %s is empty and not freed", name)
						}
						bytes += roomBytes(name)
					}
					gone := len(all) - len(kept)
					for i, ref := range kept {
						if ref.seq != all[gone+i] || ref.entry.msg == nil ||
							ref.entry.msg.ID.Seq != ref.seq {
							t.Fatalf("room %s keeps %v of %v", name, kept, all)
						}
						held[ref.entry]++
					}
					if gone > 0 {
						lost[name] = all[gone-1]
					}
					if len(kept) > x.size || floor < lost[name] {
						t.Fatalf("room %s: %d kept, lost %d, noted %d", name, len(kept), lost[name],
							floor)
					}
				}
				for e, n := range held {
					if bytes += e.msg.cost; e.held != n {
						t.Fatalf("entry held by %d rooms, counts %d", n, e.held)
					}
				}
				if bytes != x.bytes || bytes > x.maxBytes || x.fifo.len()-x.dead != len(held) {
					t.Fatalf("%d bytes, counted %d of %d; %d live entries, %d held", bytes, x.bytes,
						x.maxBytes, x.fifo.len()-x.dead, len(held))
				}
			},
		})
	})
}

// After the retention a million rooms with one message each take no memory.
func TestRoomsAreFreed(t *testing.T) {
	if testing.Short() {
		t.Skip("a million publishes")
	}
	now := time.Now()
	h := newHub(t, Options{Now: func() time.Time { return now }})
	h.stop()
	before := heap()
	for i := range distinctRooms {
		deliver(t, h, &Message{Rooms: []string{fmt.Sprint("room-", i)}, Type: "t"})
	}
	during := heap()
	h.Sweep(now.Add(6 * time.Minute))
	after := heap()
	if s := h.Stats(); s.Rooms != 0 || s.History != 0 || s.HistoryBytes != 0 {
		t.Errorf("stats %+v", s)
	}
	if after > before+before/10+64<<10 || during < before+16<<20 {
		t.Errorf("heap %d before, %d during, %d after", before, during, after)
	}
	runtime.KeepAlive(h)
}

// An emit may have one frame more than a notification, for streams that want notification objects.
func TestCostOfThirdFrame(t *testing.T) {
	t.Parallel()
	notification := cost(&Message{Rooms: []string{"r"}, Type: "t", Data: make([]byte, 100)})
	emit := cost(&Message{Rooms: []string{"r"}, Type: "t", Args: make([]byte, 100)})
	if got, want := emit-notification, int64(frameCost+block(4*1+100)); got != want {
		t.Errorf("a third frame counts %d bytes, want %d", got, want)
	}
}
