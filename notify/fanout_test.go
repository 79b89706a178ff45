package notify

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// A publish, or a Match, that releases the lock between two members happens at its start: everything
// that other calls do meanwhile has the same results as after one that keeps the lock.
func TestFanOutHappensAtOneMoment(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := Options{HistorySize: rapid.SampledFrom([]int{3, 80, 1000}).Draw(t, "history"),
			MaxReplay: rapid.SampledFrom([]int{5, 1000}).Draw(t, "replay")}
		stepped, whole := newTroupe(o), newTroupe(o)
		defer stepped.hub.Close()
		defer whole.hub.Close()
		stepped.hub.step = rapid.IntRange(1, 3).Draw(t, "step")
		for range rapid.IntRange(1, 40).Draw(t, "rounds") {
			for range rapid.IntRange(0, 4).Draw(t, "acts before") {
				a := drawAct(t)
				stepped.do(a)
				whole.do(a)
			}
			message := drawMessage(t)
			var acts, meanwhile []act
			for range rapid.IntRange(0, 8).Draw(t, "acts meanwhile") {
				acts = append(acts, drawAct(t))
			}
			at := rapid.IntRange(1, 8).Draw(t, "acts at once")
			stepped.hub.between = func() {
				for _, a := range acts[:min(at, len(acts))] {
					stepped.do(a)
					meanwhile, acts = append(meanwhile, a), acts[1:]
				}
			}
			publish := (*troupe).publish
			if rapid.IntRange(0, 3).Draw(t, "match") == 0 {
				publish = (*troupe).match
			}
			got := publish(stepped, message)
			stepped.hub.between = nil
			want := publish(whole, message)
			for _, a := range meanwhile {
				whole.do(a)
			}
			if got != want {
				t.Fatalf("receipts\n got %+v\nwant %+v", got, want)
			}
		}
		for i := range actors {
			a := act{kind: "pull all", actor: i}
			stepped.do(a)
			whole.do(a)
		}
		if got, want := stepped.seen.String(), whole.seen.String(); got != want {
			t.Fatalf("seen\n got %s\nwant %s", got, want)
		}
		if !slices.Equal(stepped.matched, whole.matched) {
			t.Fatalf("matched\n got %q\nwant %q", stepped.matched, whole.matched)
		}
		got, want := fmt.Sprintf("%+v", stepped.hub.Stats()), fmt.Sprintf("%+v", whole.hub.Stats())
		if got != want {
			t.Fatalf("stats\n got %s\nwant %s", got, want)
		}
	})
}

const actors = 6

// troupe is a Hub with members that come and go, and all that they have seen.
type troupe struct {
	hub     *Hub
	members [actors]*Member
	cursors [actors]ID
	seen    strings.Builder
	matched []string // by each Match
	holes   bool     // ids have holes, so the lag is not compared
}

func newTroupe(o Options) *troupe {
	log := NewMemoryLog()
	log.head.Epoch = 0x5f3a9c01
	return newTroupeOn(log, o)
}

func newTroupeOn(log Log, o Options) *troupe {
	o.Now = func() time.Time { return time.Unix(1e9, 0) }
	return &troupe{hub: New(log, defaulted(o))}
}

// sent is a message to publish to both.
type sent struct {
	rooms, except []string
	volatile      bool
}

func drawMessage(t *rapid.T) (m sent) {
	m.volatile = rapid.IntRange(0, 7).Draw(t, "volatile") == 0
	names := rapid.Permutation([]string{"*", "a", "b", "c"}).Draw(t, "rooms")
	m.rooms = names[:rapid.IntRange(1, 3).Draw(t, "number of rooms")]
	if rapid.Bool().Draw(t, "excepts") {
		m.except = []string{rapid.SampledFrom([]string{"client:1", "user:u0", "a", "b"}).Draw(t, "except")}
	}
	return m
}

func (s *troupe) publish(m sent) Receipt {
	r, err := s.hub.Deliver(context.Background(), &Message{
		Type: "t", Volatile: m.volatile, Rooms: m.rooms, Except: m.except})
	if err != nil {
		panic(err)
	}
	return r
}

// match returns how many members Match finds, and notes which.
func (s *troupe) match(m sent) Receipt {
	var found []string
	for _, member := range s.hub.Match(m.rooms, m.except) {
		found = append(found, member.ClientID())
	}
	slices.Sort(found)
	s.matched = append(s.matched, fmt.Sprint(found))
	return Receipt{Delivered: len(found)}
}

// act is something that a member does.
type act struct {
	kind  string
	actor int
	room  string
	size  int
}

func drawAct(t *rapid.T) act {
	return act{
		rapid.SampledFrom([]string{"attach", "resume", "pull", "pull all", "cursor", "status", "join",
			"grant", "leave", "detach", "detach live", "misses", "history"}).Draw(t, "act"),
		rapid.IntRange(0, actors-1).Draw(t, "actor"),
		rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "room"),
		rapid.IntRange(1, 5).Draw(t, "size"),
	}
}

func (s *troupe) do(a act) {
	m := s.members[a.actor]
	fmt.Fprintf(&s.seen, "\n%v: ", a)
	if a.kind == "history" {
		page, err := s.hub.History(context.Background(), []string{a.room, "*"},
			Cursor{ID: s.cursors[a.actor]}, a.size)
		for _, m := range page.Messages {
			fmt.Fprint(&s.seen, m.ID, " ")
		}
		fmt.Fprint(&s.seen, page.Next, page.Gap, err)
		return
	}
	if m == nil {
		if a.kind == "attach" || a.kind == "resume" {
			s.attach(a)
		}
		return
	}
	switch a.kind {
	case "pull":
		buf := make([]Delivery, a.size)
		n, more := m.Pull(buf)
		fmt.Fprint(&s.seen, s.shown(a.actor, buf[:n]), more)
	case "pull all":
		fmt.Fprint(&s.seen, s.shown(a.actor, pull(m)))
	case "cursor":
		fmt.Fprint(&s.seen, m.Cursor())
	case "misses":
		fmt.Fprint(&s.seen, m.Misses(), m.Pending(), m.Lagging())
	case "status":
		status := m.Status()
		slices.Sort(status.Rooms)
		if s.holes {
			status.Lag = 0
		}
		fmt.Fprintf(&s.seen, "%+v", status)
	case "join":
		joined, denied := s.hub.JoinChannels(m, []string{a.room}, nil, 2)
		fmt.Fprint(&s.seen, joined, denied)
	case "grant":
		m.Join(a.room)
	case "leave":
		s.hub.LeaveChannels(m, []string{a.room})
	case "detach":
		m.Detach()
	case "detach live":
		if !m.DetachLive() {
			return
		}
	}
	if strings.HasPrefix(a.kind, "detach") {
		fmt.Fprint(&s.seen, s.shown(a.actor, pull(m)))
		s.members[a.actor] = nil
	}
}

func (s *troupe) attach(a act) {
	attachment := Attachment{ClientID: fmt.Sprint(a.actor), UserID: fmt.Sprint("u", a.actor/2),
		Rooms: []string{a.room}}
	if a.kind == "resume" {
		attachment.Resume = &Cursor{ID: s.cursors[a.actor]}
	}
	m, err := s.hub.Attach(attachment)
	if err != nil {
		panic(err)
	}
	s.members[a.actor] = m
	if a.kind == "attach" {
		s.cursors[a.actor] = m.Cursor()
	}
	from, _ := m.Resumed()
	fmt.Fprint(&s.seen, from)
}

// shown formats deliveries with their ids, and notes the last one.
func (s *troupe) shown(actor int, all []Delivery) string {
	var ids []string
	for _, d := range all {
		switch {
		case d.Message != nil:
			ids = append(ids, fmt.Sprint(d.Message.ID, d.Message.Volatile))
			s.cursors[actor] = d.Message.ID
		case d.Gap != nil:
			slices.Sort(d.Gap.Rooms)
			ids = append(ids, fmt.Sprintf("%+v", *d.Gap))
		default:
			ids = append(ids, fmt.Sprintf("%+v", *d.Recovery))
		}
	}
	return strings.Join(ids, " ")
}

// All members of a room that needs many steps see one order, while others join and leave it.
func TestLargeRoomSeesOneOrder(t *testing.T) {
	t.Parallel()
	const members, publishers, each = 300, 3, 60
	h := newHub(t, Options{})
	h.step, h.between = 16, runtime.Gosched
	all := make([]*Member, members)
	seen := make([][]uint64, members)
	for i := range all {
		all[i] = attach(t, h, Attachment{ClientID: fmt.Sprint(i), Rooms: []string{"x"}})
	}
	var stop atomic.Bool
	var publishing, others sync.WaitGroup
	for p := range publishers {
		publishing.Go(func() {
			for i := range each {
				m := &Message{Rooms: []string{"x", "y"}, Type: "t", Volatile: i%4 == p}
				if _, err := h.Deliver(context.Background(), m); err != nil {
					t.Error(err)
				}
			}
		})
	}
	read := func(i int) {
		for _, d := range pull(all[i]) {
			if d.Message == nil {
				t.Errorf("member %d got %+v", i, d)
			} else if !d.Message.Volatile {
				seen[i] = append(seen[i], d.Message.ID.Seq)
			}
		}
	}
	others.Go(func() {
		for i := 0; !stop.Load(); i++ {
			read(i % members)
		}
	})
	others.Go(func() {
		for i := 0; !stop.Load(); i++ {
			m, err := h.Attach(Attachment{ClientID: "guest", Rooms: []string{"x"}, Resume: at(uint64(i) % 50)})
			if err != nil {
				t.Error(err)
				return
			}
			h.JoinChannels(m, []string{"y"}, nil, NoLimit)
			last := uint64(0)
			for _, d := range pull(m) {
				if d.Message != nil && !d.Message.Volatile {
					if d.Message.ID.Seq <= last {
						t.Errorf("the guest got %d after %d", d.Message.ID.Seq, last)
					}
					last = d.Message.ID.Seq
				}
			}
			h.LeaveChannels(m, []string{"x"})
			m.Detach()
		}
	})
	publishing.Wait()
	stop.Store(true)
	others.Wait()
	for i := range all {
		read(i)
		if len(seen[i]) != int(h.Head().Seq) || !slices.IsSorted(seen[i]) ||
			len(slices.Compact(slices.Clone(seen[i]))) != len(seen[i]) {
			t.Fatalf("member %d of %d saw %v, the head is %v", i, members, seen[i], h.Head())
		}
	}
}

// A publish to a large room lets other calls in before it has ended.
func TestLargeRoomReleasesTheLock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		defer h.Close()
		for i := range 2*fanOutStep + 1 {
			attach(t, h, Attachment{ClientID: fmt.Sprint(i)})
		}
		other := attach(t, h, Attachment{ClientID: "other", Namespace: "/n"})
		times := 0
		h.between = func() {
			times++
			if c := other.Cursor(); c.Seq != 1 {
				t.Errorf("the cursor of a member that the message is not for is %v", c)
			}
		}
		if r := send(t, h, "x", "*"); r.Delivered != 2*fanOutStep+1 || times != 2 {
			t.Errorf("%+v, the lock was released %d times, want 2", r, times)
		}
		times = 0
		if found := h.Match([]string{"*"}, nil); len(found) != 2*fanOutStep+1 || times != 2 {
			t.Errorf("Match found %d, the lock was released %d times, want 2", len(found), times)
		}
		h.between = func() { t.Error("a publish to one member released the lock") }
		send(t, h, "x", "client:1")
	})
}
