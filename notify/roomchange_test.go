package notify

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

func TestRoomChanges(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	var reported []string
	h.OnRoomChange(func(c RoomChange) {
		kinds := []string{RoomCreated: "create", RoomJoined: "join", RoomLeft: "leave",
			RoomDeleted: "delete"}
		reported = append(reported, fmt.Sprint(kinds[c.Kind], " ", c.Room, " ",
			c.Member.ClientID()))
	})
	expectChanges := func(want ...string) {
		t.Helper()
		if !slices.Equal(reported, want) {
			t.Errorf("reported %q, want %q", reported, want)
		}
		reported = nil
	}
	a := attach(t, h, Attachment{ClientID: "a", Rooms: []string{"x"}})
	expectChanges("create * a", "join * a", "create client:a a", "join client:a a", "create x a",
		"join x a")
	b := attach(t, h, Attachment{ClientID: "b"})
	reported = nil
	b.Join("x", "x")
	expectChanges("join x b")
	h.LeaveChannels(a, []string{"x", "y"})
	expectChanges("leave x a")
	b.Detach()
	b.Detach()
	slices.Sort(reported)
	expectChanges("delete client:b b", "delete x b", "leave * b", "leave client:b b", "leave x b")
	if left := b.Left(); len(left) != 3 || !slices.Contains(left, "x") {
		t.Errorf("left %q", left)
	}

	// Further functions get the changes too.
	others := 0
	h.OnRoomChange(func(RoomChange) { others++ })
	attach(t, h, Attachment{ClientID: "b2"})
	expectChanges("join * b2", "create client:b2 b2", "join client:b2 b2")
	if others != 3 {
		t.Errorf("the second function got %d changes", others)
	}

	// An Attach that fails to resume a session reports only the rooms of the member that it
	// returns.
	send(t, h, "n", "y")
	c := attach(t, h, Attachment{ClientID: "c", Resume: &Cursor{Invalid: true},
		Former: &Former{ClientID: "former"}})
	expectChanges("join * c", "create client:c c", "join client:c c")
	if c.Recovered() || c.Missed() == nil {
		t.Error("a member without a usable cursor recovered")
	}
}

// tailLog delivers in a goroutine that also calls functions in the order of the messages, as the reader
// of a stream does. Append waits until it has delivered.
type tailLog struct {
	*MemoryLog
	calls chan func()
}

func newTailLog(t *testing.T) *tailLog {
	l := &tailLog{NewMemoryLog(), make(chan func())}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for f := range l.calls {
			f()
		}
	}()
	t.Cleanup(func() {
		close(l.calls)
		<-done
	})
	return l
}

func (l *tailLog) Append(ctx context.Context, messages []*Message) (err error) {
	l.tail(func() { err = l.MemoryLog.Append(ctx, messages) })
	return err
}

// tail calls f in the reader, and waits for it.
func (l *tailLog) tail(f func()) {
	done := make(chan struct{})
	l.calls <- func() {
		defer close(done)
		f()
	}
	<-done
}

// A function that publishes for a change which the reader of the log has made does not wait for that
// reader. Later changes of the members and the rooms come after it.
func TestLateChangesMayPublish(t *testing.T) {
	t.Parallel()
	log := newTailLog(t)
	h := New(log, DefaultOptions())
	defer h.Close()
	a, b := attach(t, h, Attachment{ClientID: "a"}), attach(t, h, Attachment{ClientID: "b"})
	var mu sync.Mutex
	var reported []string
	first, goOn := make(chan struct{}), make(chan struct{})
	var begun atomic.Bool
	h.OnRoomChange(func(c RoomChange) {
		if begun.CompareAndSwap(false, true) {
			close(first)
			<-goOn
		}
		if _, err := h.Publish(t.Context(), Notification{Type: "t"}, ToChannel("x")); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		reported = append(reported, fmt.Sprint(c.Kind, c.Room, c.Member.ClientID()))
	})
	log.tail(func() { h.JoinAll([]*Member{a, b}, "x", "y") })
	<-first
	if !a.In("x") || !b.In("y") {
		t.Error("the members are not in the rooms")
	}
	log.tail(func() { h.LeaveAll([]*Member{a}, "x") })
	b.Leave("y") // in this goroutine, but not before the reports that wait
	attach(t, h, Attachment{ClientID: "c"}).Join("z")
	mu.Lock()
	others := slices.Clone(reported)
	mu.Unlock()
	if want := []string{"1*c", "0client:cc", "1client:cc", "0zc", "1zc"}; !slices.Equal(others, want) {
		t.Errorf("others are reported as %q, want %q", others, want)
	}
	close(goOn)
	h.awaitLate()
	want := []string{"0xa", "1xa", "0ya", "1ya", "1xb", "1yb", "2xa", "2yb"}
	if got := reported[len(others):]; !slices.Equal(got, want) {
		t.Errorf("reported %q, want %q", got, want)
	}
	if l := &h.late; l.members != nil || l.rooms != nil || l.ended != nil {
		t.Errorf("left: %+v", l)
	}
}

// Whoever changes rooms, a function sees each change of a member in a state in which it is possible.
func TestLateChangesKeepOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := newHub(t, Options{})
		defer h.Close()
		var mu sync.Mutex
		is := map[string]bool{}
		h.OnRoomChange(func(c RoomChange) {
			mu.Lock()
			defer mu.Unlock()
			key := c.Room
			if c.Kind == RoomJoined || c.Kind == RoomLeft {
				key += " " + c.Member.ClientID()
			}
			if starts := c.Kind == RoomCreated || c.Kind == RoomJoined; is[key] == starts {
				rt.Errorf("change %d of %s twice", c.Kind, key)
			}
			is[key] = !is[key]
		})
		var members []*Member
		for i := range 3 {
			members = append(members, attach(t, h, Attachment{ClientID: fmt.Sprint(i)}))
		}
		// The functions run one at a time: a direct report follows what the goroutine has reported.
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			m := rapid.SampledFrom(members).Draw(rt, "member")
			room := rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "room")
			switch rapid.IntRange(0, 3).Draw(rt, "step") {
			case 0:
				h.JoinAll(members, room)
			case 1:
				h.LeaveAll(members, room)
			case 2:
				m.Join(room)
			case 3:
				m.Leave(room)
			}
		}
		h.awaitLate()
		for _, m := range members {
			for _, room := range []string{"x", "y"} {
				if m.In(room) != is[room+" "+m.ClientID()] {
					rt.Errorf("%s in %s: %v", m.ClientID(), room, m.In(room))
				}
			}
		}
	})
}

// Above maxLate nothing is lost.
func TestLateChangesAreBounded(t *testing.T) {
	t.Parallel()
	var l lateChanges
	m := &Member{}
	if l.add(make([]RoomChange, maxLate+1)) || !l.add([]RoomChange{{RoomJoined, "x", m}}) ||
		!l.concern([]RoomChange{{RoomLeft, "x", &Member{}}}) ||
		l.concern([]RoomChange{{RoomLeft, "y", &Member{}}}) || l.add(make([]RoomChange, maxLate)) {
		t.Error("the bound is another one")
	}
	l.done()
	if l.concern([]RoomChange{{RoomLeft, "x", m}}) || l.members != nil {
		t.Error("something is left")
	}
}
