package notify

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// A Hub over a stream, whose ids have holes and whose messages are also those of another node, does
// what one over a log in memory does.
func TestHubOverStream(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := Options{HistorySize: rapid.SampledFrom([]int{3, 80, 1000}).Draw(t, "history"),
			MaxReplay: rapid.SampledFrom([]int{5, 1000}).Draw(t, "replay")}
		stream := NewStream()
		other := stream.Open()
		other.Follow(func(Batch) func() { return nil })
		memory, shared := newTroupe(o), newTroupeOn(stream.Open(), o)
		memory.holes, shared.holes = true, true
		defer memory.hub.Close()
		defer shared.hub.Close()
		foreign := 0
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "acts") {
				a := drawAct(t)
				memory.do(a)
				shared.do(a)
				continue
			}
			m := drawMessage(t)
			want := memory.publish(m)
			if !m.volatile && rapid.Bool().Draw(t, "of the other node") {
				foreign++
				err := other.Append(context.Background(), []*Message{{Namespace: "/", Type: "t",
					Rooms: m.rooms, Except: m.except, Timestamp: time.Unix(1e9, 0)}})
				if err != nil {
					t.Fatal(err)
				}
				continue
			}
			got := shared.publish(m)
			if got.ID, want.ID = stream.ordinals(got.ID), ordinals(want.ID); got != want {
				t.Fatalf("receipts\n got %+v\nwant %+v", got, want)
			}
		}
		for i := range actors {
			a := act{kind: "pull all", actor: i}
			memory.do(a)
			shared.do(a)
		}
		if got, want := stream.ordinals(shared.seen.String()), ordinals(memory.seen.String()); got != want {
			t.Fatalf("seen\n got %s\nwant %s", got, want)
		}
		got, want := shared.hub.Stats(), memory.hub.Stats()
		if got.Published+uint64(foreign) != want.Published {
			t.Errorf("%d and %d foreign messages published, want %d", got.Published, foreign, want.Published)
		}
		got.Published = want.Published
		if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
			t.Fatalf("stats\n got %s\nwant %s", g, w)
		}
	})
}

var (
	memoryID = regexp.MustCompile(`5f3a9c01-(\d+)`)
	streamID = regexp.MustCompile(`\d{13}-\d+|ffffffff-0`)
)

// ordinals replaces each id by the number of its message.
func ordinals(text string) string { return memoryID.ReplaceAllString(text, "#$1") }

func (s *Stream) ordinals(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	numbers := map[string]int{"ffffffff-0": 0}
	for i, e := range s.entries {
		numbers[e.m.ID.String()] = i + 1
	}
	return streamID.ReplaceAllStringFunc(text, func(id string) string {
		n, ok := numbers[id]
		if !ok {
			return id
		}
		return "#" + strconv.Itoa(n)
	})
}

// node is a Hub over a stream.
type node struct {
	*Hub
	log *StreamLog
}

func newNode(t testing.TB, s *Stream) *node {
	t.Helper()
	log := s.Open()
	h := New(log, DefaultOptions())
	t.Cleanup(h.Close)
	return &node{h, log}
}

// seen is shown with ids as the numbers of their messages.
func (s *Stream) seen(m *Member) string { return s.ordinals(shown(pull(m))) }

func (s *Stream) expect(t testing.TB, m *Member, want string) {
	t.Helper()
	if got := s.seen(m); got != want {
		t.Errorf("pulled\n got %s\nwant %s", got, want)
	}
}

// When a server takes over that has not got the last entries, nodes and clients that have them start
// again where the histories part. All others go on where they are. Each gets one gap, because what is
// lost may have been for it. The ids that follow can be lower than those that were lost.
func TestStreamGoesBack(t *testing.T) {
	t.Parallel()
	s := NewStream()
	a, b := newNode(t, s), newNode(t, s)
	room := func(id string) Attachment { return Attachment{ClientID: id, Rooms: []string{"x"}} }
	idle, slow := attach(t, a.Hub, room("idle")), attach(t, a.Hub, room("slow"))
	behind := attach(t, b.Hub, room("behind"))
	for i := range 3 {
		send(t, a.Hub, fmt.Sprint(i+1), "x")
	}
	s.expect(t, idle, "1 2 3")
	s.expect(t, slow, "1 2 3")
	s.expect(t, behind, "1 2 3")
	b.log.Pause()
	late := attach(t, a.Hub, room("late"))
	common := s.entry(3)
	for _, text := range []string{"lost", "lost", "lost", "lost"} {
		send(t, a.Hub, text, "x")
	}
	lost := a.Head()
	s.expect(t, idle, "lost lost lost lost")
	young := attach(t, a.Hub, room("young"))
	s.GoBack(common)
	b.log.Resume()
	if a.Head() != common || b.Head() != common {
		t.Fatalf("heads %v and %v, want %v", a.Head(), b.Head(), common)
	}
	send(t, b.Hub, "4", "x")
	send(t, a.Hub, "5", "x")
	if id := s.entry(4); id.Seq <= common.Seq || id.Seq > lost.Seq {
		t.Fatalf("the first id after %v is %v, want one before %v", common, id, lost)
	}
	gap := func(id string) string {
		return fmt.Sprintf("gap(epoch %s>#3 [* client:%s x] id %s) 4 5", lost, id, lost)
	}
	s.expect(t, idle, gap("idle"))
	s.expect(t, young, gap("young"))
	for id, m := range map[string]*Member{"slow": slow, "late": late, "behind": behind} {
		s.expect(t, m, fmt.Sprintf("gap(epoch #3>#3 [* client:%s x] id #3) 4 5", id)) // it has pulled none of them
	}
	for name, n := range map[string]*node{"a": a, "b": b, "new": newNode(t, s)} {
		resume := func(id ID, want string) {
			t.Helper()
			at := room("r")
			at.Resume = &Cursor{ID: id}
			n.Wait(t.Context(), at.Resume)
			m := attach(t, n.Hub, at)
			defer m.Detach()
			if s.expect(t, m, want); t.Failed() {
				t.Fatalf("on node %s", name)
			}
		}
		if name == "new" { // it does not know the fork
			resume(s.entry(2), "3 4 5 recovery(true 3 #2>#5)")
			resume(common, "4 5 recovery(true 2 #3>#5)")
			continue
		}
		resume(s.entry(2), "gap(epoch #2>#2 [* client:r x] id #2) 3 4 5 recovery(false 3 #2>#5)")
		resume(common, "gap(epoch #3>#3 [* client:r x] id #3) 4 5 recovery(false 2 #3>#5)")
		resume(lost, fmt.Sprintf("gap(epoch %s>#3 [* client:r x] id %s) 4 5 recovery(false 2 %s>#5)",
			lost, lost, lost))
		page, err := n.History(t.Context(), []string{"x"}, Cursor{ID: lost}, 0)
		if err != nil || !page.Gap || len(page.Messages) != 2 || page.Next != s.entry(5) {
			t.Errorf("history after %v on node %s: %+v, %v", lost, name, page, err)
		}
	}
	for range 10 { // until the ids are above those that were lost
		send(t, b.Hub, "more", "x")
	}
	if a.Head().Seq <= lost.Seq {
		t.Fatalf("the head is %v", a.Head())
	}
	again := room("again")
	again.Resume = &Cursor{ID: lost}
	if m := attach(t, b.Hub, again); !strings.HasPrefix(s.seen(m), "gap(epoch ") {
		t.Error("a cursor of a lost message is taken for one of a message that came later")
	}
}

// A stream that begins again, empty, gives every client one gap and goes on.
func TestStreamBeginsAgain(t *testing.T) {
	t.Parallel()
	s := NewStream()
	a := newNode(t, s)
	m := attach(t, a.Hub, Attachment{ClientID: "c", Rooms: []string{"x"}})
	numbers(t, a.Hub, 3)
	s.expect(t, m, "1 2 3")
	former := a.Head()
	s.GoBack(ID{Epoch: StreamEpoch})
	send(t, a.Hub, "new", "x")
	s.expect(t, m, fmt.Sprintf("gap(epoch %s>#0 [* client:c x] id %s) new", former, former))
	if stats := a.Stats(); stats.History != 1 || stats.Rooms == 0 {
		t.Errorf("%+v", stats)
	}
}

// A node that reads more slowly than the stream is trimmed gives its clients one gap.
func TestStreamIsTrimmed(t *testing.T) {
	t.Parallel()
	s := NewStream()
	a, b := newNode(t, s), newNode(t, s)
	m := attach(t, b.Hub, Attachment{ClientID: "c", Rooms: []string{"x"}})
	send(t, a.Hub, "1", "x")
	s.expect(t, m, "1")
	b.log.Pause()
	for _, text := range []string{"2", "3", "4"} {
		send(t, a.Hub, text, "x")
	}
	from, floor := s.entry(1), ID{StreamEpoch, s.entry(4).Seq - 1}
	s.Trim(3)
	if got, want := shown(pull(m)), fmt.Sprintf("gap(trimmed %s>%s [* client:c x] id %s) 4", from, floor,
		from); got != want {
		t.Errorf("pulled\n got %s\nwant %s", got, want)
	}
}

// Cursors of a log in memory are of another epoch on a stream, and the reverse.
func TestCursorOfAnotherKindOfLog(t *testing.T) {
	t.Parallel()
	s := NewStream()
	a, memory := newNode(t, s), newHub(t, Options{})
	send(t, a.Hub, "1", "x")
	send(t, memory, "1", "x")
	for _, c := range []struct {
		h  *Hub
		of ID
	}{{a.Hub, memory.Head()}, {memory, a.Head()}} {
		c.h.Wait(t.Context(), &Cursor{ID: c.of}) // returns at once
		m := attach(t, c.h, Attachment{ClientID: "c", Rooms: []string{"x"}, Resume: &Cursor{ID: c.of}})
		if got := shown(pull(m)); !strings.HasPrefix(got, "gap(epoch "+seq(c.of.String())+">") ||
			!strings.Contains(got, ") 1 recovery(false 1 ") {
			t.Errorf("pulled %s", got)
		}
		if page, err := c.h.History(t.Context(), []string{"x"}, Cursor{ID: c.of}, 0); err != nil ||
			!page.Gap || len(page.Messages) != 1 {
			t.Errorf("history %+v, %v", page, err)
		}
	}
}

// A client that comes from a node that has read more waits, and gets no gap if this one reads on.
func TestWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewStream()
		a, b := newNode(t, s), newNode(t, s)
		defer a.Close()
		defer b.Close()
		b.log.Pause()
		send(t, a.Hub, "1", "x")
		cursor := &Cursor{ID: a.Head()}
		start := time.Now()
		time.AfterFunc(time.Second, b.log.Resume)
		b.Wait(t.Context(), cursor)
		if waited := time.Since(start); waited != time.Second || b.Head() != a.Head() {
			t.Errorf("waited %v, head %v", waited, b.Head())
		}
		m := attach(t, b.Hub, Attachment{ClientID: "c", Rooms: []string{"x"}, Resume: cursor})
		s.expect(t, m, "recovery(true 0 #1>#1)")

		b.log.Pause()
		send(t, a.Hub, "2", "x")
		cursor = &Cursor{ID: a.Head()}
		start = time.Now()
		b.Wait(t.Context(), cursor)
		if waited := time.Since(start); waited != maxWait {
			t.Errorf("waited %v for a node that does not read, want %v", waited, maxWait)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		start = time.Now()
		b.Wait(ctx, cursor)
		if waited := time.Since(start); waited != time.Millisecond {
			t.Errorf("waited %v for a request that ended", waited)
		}
		start = time.Now()
		for _, c := range []*Cursor{nil, {}, {All: true}, {Invalid: true}, {ID: b.Head()},
			{ID: ID{1, 5}}, {ID: ID{StreamEpoch, 1<<64 - 1}}} {
			b.Wait(t.Context(), c)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %v for nothing", waited)
		}
	})
}

// Until a node has read the stream, it takes no client and no publish.
func TestReady(t *testing.T) {
	t.Parallel()
	s := NewStream()
	send(t, newNode(t, s).Hub, "1", "x")
	s.Down = true
	h := newNode(t, s)
	_, publish := h.Publish(t.Context(), Notification{Type: "t"}, ToAll())
	_, volatile := h.Publish(t.Context(), Notification{Type: "t", Volatile: true}, ToAll())
	_, attached := h.Attach(Attachment{ClientID: "c"})
	for _, err := range []error{h.Ready(), publish, volatile, attached} {
		if !errors.Is(err, ErrNotReady) || !errors.Is(err, ErrUnavailable) {
			t.Errorf("error %v, want ErrNotReady", err)
		}
	}
	h.log.Connect()
	if err := h.Ready(); err != nil {
		t.Fatal(err)
	}
	m := attach(t, h.Hub, Attachment{ClientID: "c", Rooms: []string{"x"}, Resume: &Cursor{All: true}})
	s.expect(t, m, "1 recovery(true 1 #0>#1)")
	if stats := h.Stats(); stats.Published != 0 || stats.Delivered != 0 {
		t.Errorf("what was read at the start counts: %+v", stats)
	}
	if err := newHub(t, Options{}).Ready(); err != nil {
		t.Errorf("a log in memory: %v", err)
	}
}

// A publisher gets its receipt when its message is stored, also if this node delivers it late.
func TestLateDelivery(t *testing.T) {
	t.Parallel()
	s := NewStream()
	h := newNode(t, s)
	m := attach(t, h.Hub, Attachment{ClientID: "c", Rooms: []string{"x"}})
	h.log.Pause()
	r, err := h.Emit(t.Context(), Emission{Room: "x", Event: "e"})
	if err != nil || r.Delivered != 0 || r.ID != s.entry(1).String() {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err = h.Emit(t.Context(), Emission{Room: "empty", Event: "e"}); err != nil {
		t.Error(err)
	}
	h.log.Resume()
	if got := pull(m); len(got) != 1 {
		t.Errorf("pulled %s", shown(got))
	}
	if r, err = h.Emit(t.Context(), Emission{Room: "x", Event: "e"}); err != nil || r.Delivered != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// The lag of a member on a stream is a number of entries, not of milliseconds.
func TestLagOnStream(t *testing.T) {
	t.Parallel()
	h := newNode(t, NewStream())
	m := attach(t, h.Hub, Attachment{ClientID: "c", Rooms: []string{"x"}})
	numbers(t, h.Hub, 75)
	send(t, h.Hub, "other", "y")
	if s := m.Status(); !s.Lagging || s.Lag != 76 {
		t.Errorf("%+v", s)
	}
	m.Pull(make([]Delivery, 5))
	if s := m.Status(); s.Lag != 0 && s.Lag != 71 {
		t.Errorf("%+v", s)
	}
}

// A volatile entry of another node is for members that keep up. Nobody gets it later, and it leaves no
// gap.
func TestVolatileMessageOfAnotherNode(t *testing.T) {
	t.Parallel()
	s := NewStream()
	a, other := newNode(t, s), s.Open()
	other.Follow(func(Batch) func() { return nil })
	here := attach(t, a.Hub, Attachment{ClientID: "here", Rooms: []string{"x"}})
	send(t, a.Hub, "1", "x")
	since := a.Head()
	err := other.Append(t.Context(), []*Message{{Namespace: "/", Type: "t", Rooms: []string{"x"},
		Data: []byte("2"), Volatile: true}})
	if err != nil {
		t.Fatal(err)
	}
	s.expect(t, here, "1 ~2")
	if here.Cursor() != a.Head() || a.Head() != s.entry(2) {
		t.Errorf("cursor %v, head %v, want %v", here.Cursor(), a.Head(), s.entry(2))
	}
	send(t, a.Hub, "3", "x")
	back := attach(t, a.Hub, Attachment{ClientID: "back", Rooms: []string{"x"}, Resume: &Cursor{ID: since}})
	if got := s.seen(back); !strings.HasPrefix(got, "3 ") || strings.Contains(got, "gap") {
		t.Errorf("pulled %s", got)
	}
}

// A message that is stored, and that its node delivers late, is stored for its publisher, counts as
// published once, and its publisher learns who misses it.
func TestReceiptOfALateDelivery(t *testing.T) {
	t.Parallel()
	h := newNode(t, NewStream())
	var undelivered []string
	h.OnUndelivered(func(u Undelivered) {
		undelivered = append(undelivered, fmt.Sprint(u.Message.ID == h.log.s.last, " ", u.Rooms))
	})
	attach(t, h.Hub, Attachment{ClientID: "c", UserID: "u1"})
	h.log.Pause()
	receipt, err := h.Publish(t.Context(), Notification{Type: "t"}, ToUsers("u1", "u2"))
	if err != nil || !receipt.Stored || receipt.Delivered != 0 || receipt.ID == "" {
		t.Errorf("receipt %+v, %v", receipt, err)
	}
	results, err := h.PublishBatch(t.Context(), []Publication{{Notification{Type: "t"}, ToUser("u3")}})
	if err != nil || !results[0].Receipt.Stored {
		t.Errorf("results %+v, %v", results, err)
	}
	expect := func() {
		t.Helper()
		if n := h.Stats().Published; n != 2 {
			t.Errorf("%d published", n)
		}
		if want := []string{"true [user:u2]", "true [user:u3]"}; !slices.Equal(undelivered, want) {
			t.Errorf("undelivered %q, want %q", undelivered, want)
		}
	}
	expect()
	h.log.Resume()
	expect()
}
