package notify

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// reader is a client that drops what a gap says is lost, and reads on.
type reader struct {
	id     string
	m      *Member
	joined ID
	has    []ID
	cursor ID
	owed   bool // a gap, for messages that are lost since the last one
}

func (r *reader) pull(t *rapid.T, most int) {
	buf := make([]Delivery, most)
	n, _ := r.m.Pull(buf)
	for _, d := range buf[:n] {
		switch {
		case d.Gap != nil && d.Gap.Reason == GapEpoch:
			to, err := ParseID(d.Gap.To)
			if err != nil {
				t.Fatal(err)
			}
			r.has = slices.DeleteFunc(r.has, func(id ID) bool { return id.Seq > to.Seq })
			r.cursor, r.owed = d.Gap.ID, false
		case d.Gap != nil:
			t.Fatalf("%s got %+v", r.id, *d.Gap)
		case d.Message != nil:
			if n := len(r.has); n > 0 && d.Message.ID.Seq <= r.has[n-1].Seq {
				t.Fatalf("%s got %v after %v", r.id, d.Message.ID, r.has[n-1])
			}
			r.has = append(r.has, d.Message.ID)
			r.cursor = d.Message.ID
		}
	}
}

// However often a stream goes back, and wherever clients are then, each has exactly what the stream
// has in the end, and was told when messages were lost.
func TestClientsOfAStreamThatGoesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := NewStream()
		nodes := []*Hub{New(s.Open(), DefaultOptions()), New(s.Open(), DefaultOptions())}
		defer nodes[0].Close()
		defer nodes[1].Close()
		on := func() *Hub { return nodes[rapid.IntRange(0, 1).Draw(t, "node")] }
		readers := make([]*reader, 4)
		attach := func(r *reader, resume *Cursor) {
			h := on()
			h.Wait(context.Background(), resume)
			m, err := h.Attach(Attachment{ClientID: r.id, Rooms: []string{"x"}, Resume: resume})
			if err != nil {
				t.Fatal(err)
			}
			r.m = m
		}
		for i := range readers {
			readers[i] = &reader{id: fmt.Sprint("r", i)}
			attach(readers[i], nil)
			readers[i].joined = readers[i].m.Cursor()
			readers[i].cursor = readers[i].joined
		}
		t.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) {
				h := on()
				for range rapid.IntRange(1, 70).Draw(t, "messages") {
					if _, err := h.Deliver(context.Background(), &Message{Rooms: []string{"x"}}); err != nil {
						t.Fatal(err)
					}
				}
			},
			"pull": func(t *rapid.T) {
				r := readers[rapid.IntRange(0, 3).Draw(t, "reader")]
				r.pull(t, rapid.IntRange(1, 90).Draw(t, "most"))
			},
			"reconnect": func(t *rapid.T) {
				r := readers[rapid.IntRange(0, 3).Draw(t, "reader")]
				r.m.Detach()
				attach(r, &Cursor{ID: r.cursor})
			},
			"go back": func(t *rapid.T) {
				n := rapid.IntRange(0, len(s.entries)).Draw(t, "to")
				to := ID{Epoch: StreamEpoch}
				if n > 0 {
					to = s.entry(n)
				}
				for _, r := range readers {
					r.owed = r.owed || n < len(s.entries)
				}
				s.GoBack(to)
				for _, h := range nodes {
					if h.Head() != to {
						t.Fatalf("the head is %v, want %v", h.Head(), to)
					}
				}
			},
		})
		var all []ID
		for _, e := range s.entries {
			all = append(all, e.m.ID)
		}
		for _, r := range readers {
			for range 1 + len(all) {
				r.pull(t, 100)
			}
			if r.owed {
				t.Errorf("%s was not told that messages are lost", r.id)
			}
			if !slices.Equal(r.has, all) {
				t.Errorf("%s has %v, the stream %v", r.id, r.has, all)
			}
		}
		for i, h := range nodes {
			if kept := h.Stats().History; kept != len(all) {
				t.Errorf("node %d keeps %d messages of %d", i, kept, len(all))
			}
		}
	})
}

// The Hub knows a bounded number of forks, in their order.
func TestForks(t *testing.T) {
	t.Parallel()
	at := func(n uint64) ID { return ID{StreamEpoch, n} }
	var f forks
	if f.add(Fork{at(9), at(9)}); len(f) != 0 {
		t.Errorf("a fork without ids: %v", f)
	}
	f.add(Fork{at(10), at(20)})
	f.add(Fork{at(15), at(18)})
	f.add(Fork{at(30), at(40)})
	for seq, want := range map[uint64]uint64{10: 10, 11: 10, 16: 10, 20: 10, 21: 21, 30: 30, 31: 30, 40: 30, 41: 41} {
		if got := f.origin(seq); got != want {
			t.Errorf("the origin of %d is %d, want %d", seq, got, want)
		}
	}
	if !f.lostAfter(9) || !f.lostAfter(30) || f.lostAfter(31) {
		t.Error("what is lost came after the positions up to 30")
	}
	if f.add(Fork{at(30), at(40)}); len(f) != 3 {
		t.Errorf("the same fork again: %v", f)
	}
	if f.add(Fork{at(5), at(12)}); f.origin(16) != 5 || f.origin(35) != 30 {
		t.Errorf("a fork that lost the begin of the first one: %d, %d", f.origin(16), f.origin(35))
	}
	for i := range uint64(2 * maxForks) {
		f.add(Fork{at(100 + 10*i), at(105 + 10*i)})
	}
	if len(f) != maxForks || f.origin(105+20*maxForks-10) != 100+20*maxForks-10 {
		t.Errorf("%d forks", len(f))
	}
}

// Retained notifications stay when the stream goes back, also those whose entries are lost, and a newer
// one with a lower id takes their place.
func TestRetainedWhenTheStreamGoesBack(t *testing.T) {
	t.Parallel()
	s := NewStream()
	a := newNode(t, s)
	retain := func(kind, text string) {
		t.Helper()
		deliver(t, a.Hub, &Message{Rooms: []string{"x"}, Type: kind, Retain: true,
			Data: fmt.Appendf(nil, "%q", text)})
	}
	texts := func(m *Member) (all []string) {
		for _, d := range pull(m) {
			switch {
			case d.Retained != nil:
				all = append(all, "r:"+string(d.Retained.Message.Data))
			case d.Message != nil:
				all = append(all, string(d.Message.Data))
			case d.Gap != nil:
				all = append(all, d.Gap.Reason)
			}
		}
		return all
	}
	check := func(m *Member, want ...string) {
		t.Helper()
		if got := texts(m); !slices.Equal(got, want) {
			t.Errorf("pulled %q, want %q", got, want)
		}
	}
	retain("one", "kept")
	common := a.Head()
	old := attach(t, a.Hub, Attachment{ClientID: "old", Rooms: []string{"x"}})
	check(old, `r:"kept"`)
	for _, text := range []string{"1", "2", "3", "lost"} {
		retain("two", text)
	}
	check(old, `"1"`, `"2"`, `"3"`, `"lost"`)
	s.GoBack(common)
	check(old, GapEpoch, `r:"kept"`, `r:"lost"`)
	check(attach(t, a.Hub, Attachment{ClientID: "b", Rooms: []string{"x"}}), `r:"kept"`, `r:"lost"`)
	retain("two", "new")
	check(old, `"new"`)
	check(attach(t, a.Hub, Attachment{ClientID: "c", Rooms: []string{"x"}}), `r:"kept"`, `r:"new"`)
	if _, err := a.DeleteRetained(t.Context(), ToChannel("x"), ""); err != nil {
		t.Fatal(err)
	}
	check(attach(t, a.Hub, Attachment{ClientID: "d", Rooms: []string{"x"}}))
}
