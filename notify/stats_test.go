package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestStatsOfLagsAndGaps(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{HistorySize: 70})
	m := attach(t, h, Attachment{ClientID: "slow", Rooms: []string{"x"}})
	volatile := func() { deliver(t, h, &Message{Rooms: []string{"x"}, Type: "t", Volatile: true}) }

	numbers(t, h, inboxSize)
	volatile() // the inbox is full
	numbers(t, h, 1)
	volatile() // the member lags
	numbers(t, h, 10)
	if s := h.Stats(); s.Lagged != 1 || s.Lagging != 1 || s.Dropped != 2 {
		t.Errorf("stats %+v", s)
	}
	if s := m.Status(); !s.Lagging || s.Lag != 75 || s.Pending != 0 {
		t.Errorf("status %+v", s)
	}
	pull(m) // a gap of 5, then 70 messages

	attach(t, h, Attachment{ClientID: "waits", Rooms: []string{"x"}, Resume: at(70)})
	pull(attach(t, h, Attachment{ClientID: "back", Rooms: []string{"x"}, Resume: at(70)}))
	pull(attach(t, h, Attachment{ClientID: "lost", Rooms: []string{"x"},
		Resume: &Cursor{Invalid: true}}))

	s := h.Stats()
	if s.Lagged != 1 || s.Lagging != 1 || s.Dropped != 2 || s.Replays != 2 || s.Replayed != 5 {
		t.Errorf("stats %+v", s)
	}
	for reason, want := range map[string]uint64{
		GapTrimmed: 1, GapInvalid: 1, GapAhead: 0,
		GapEpoch: 0, GapTooMany: 0,
	} {
		if got, there := s.Gaps[reason]; !there || got != want {
			t.Errorf("gaps %s: %d %v, want %d", reason, got, there, want)
		}
	}
}

// A volatile message in an inbox that the Hub drops is lost, since the index does not have it.
// Stats count it.
func TestStatsOfVolatileMessagesLostInInbox(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	m := attach(t, h, Attachment{ClientID: "slow", Rooms: []string{"x"}})
	for i := range inboxSize {
		deliver(t, h, &Message{Rooms: []string{"x"}, Type: "t", Data: json.RawMessage(`"v"`),
			Volatile: i%8 == 0})
	}
	if s := h.Stats(); s.Dropped != 0 || s.Lagged != 0 {
		t.Errorf("before the lag: %+v", s)
	}
	send(t, h, "last", "x")
	if s := h.Stats(); s.Dropped != inboxSize/8 || s.Lagged != 1 {
		t.Errorf("after the lag: %d dropped, want %d; %d lagged", s.Dropped, inboxSize/8, s.Lagged)
	}
	if n := len(pull(m)); n != inboxSize-inboxSize/8+1 {
		t.Errorf("%d pulled", n)
	}
	// Another epoch, so all members lag.
	h.follow(Batch{Loss: &Loss{ID{Epoch: 1}}})
	if s := h.Stats(); s.Dropped != inboxSize/8 || s.Lagged != 2 {
		t.Errorf("after the loss: %d dropped, %d lagged", s.Dropped, s.Lagged)
	}
}

// A member also catches up with large messages.
func TestLagWithLargeMessages(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	m := attach(t, h, Attachment{ClientID: "slow", Rooms: []string{"x"}})
	for range 3 {
		deliver(t, h, &Message{Rooms: []string{"x"}, Type: "t",
			Data: append(bytes.Repeat([]byte{' '}, inboxBytes), '1')})
	}
	if !m.Lagging() {
		t.Error("keeps up with more than its bytes")
	}
	buf := make([]Delivery, 1)
	for i := range 3 {
		n, _ := m.Pull(buf)
		if n != 1 || buf[0].Message == nil || buf[0].Message.ID.Seq != uint64(i+1) {
			t.Fatalf("pull %d: %d %+v", i, n, buf[0])
		}
	}
	if n, _ := m.Pull(buf); n != 0 || m.Lagging() {
		t.Errorf("%d more, lagging %v", n, m.Lagging())
	}
	deliver(t, h, &Message{Rooms: []string{"x"}, Type: "t",
		Data: append(bytes.Repeat([]byte{' '}, inboxBytes), '1')})
	if m.Lagging() || m.Pending() != 1 {
		t.Errorf("one alone: %d pending, lagging %v", m.Pending(), m.Lagging())
	}
}

func TestAcceptedIsTimeOfPublish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := New(NewMemoryLog(), DefaultOptions())
		defer h.Close()
		time.Sleep(time.Minute)
		m := &Message{Rooms: []string{"x"}, Type: "t", Timestamp: time.Now().Add(-time.Hour)}
		deliver(t, h, m)
		if !m.Accepted().Equal(time.Now()) {
			t.Errorf("accepted %v at %v", m.Accepted(), time.Now())
		}
	})
}

// The counts that the Hub updates are equal to those of a walk through all members.
func TestStatsMatchMembers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := New(NewMemoryLog(), defaulted(Options{HistorySize: 100}))
		defer h.Close()
		for step := range rapid.IntRange(1, 60).Draw(rt, "steps") {
			all := h.Members()
			var m *Member
			if len(all) > 0 {
				m = all[rapid.IntRange(0, len(all)-1).Draw(rt, "member")]
			}
			switch what := rapid.IntRange(0, 6).Draw(rt, "what"); {
			case m == nil || what == 0:
				a := Attachment{ClientID: fmt.Sprint(step),
					Transport: rapid.SampledFrom([]string{"sse", "polling"}).Draw(rt, "transport"),
					Namespace: rapid.SampledFrom([]string{"/", "/n"}).Draw(rt, "namespace")}
				if rapid.Bool().Draw(rt, "resumes") {
					a.Resume = &Cursor{All: true}
				}
				if rapid.Bool().Draw(rt, "goes on") {
					a.Former = &Former{ClientID: fmt.Sprint("former ", step)}
				}
				attach(t, h, a)
			case what == 1:
				m.Detach()
				m.Detach()
			case what == 2:
				m.SetTransport("websocket")
			case what == 3:
				m.Pull(make([]Delivery, rapid.IntRange(1, 80).Draw(rt, "deliveries")))
			default:
				for range rapid.IntRange(1, 70).Draw(rt, "messages") {
					send(t, h, "x", "*")
				}
			}
			lagging, carried := 0, map[string]int{}
			for _, m := range h.Members() {
				if m.Lagging() {
					lagging++
				}
				if m.Namespace() == "/" {
					carried[m.Transport()]++
				}
			}
			s := h.Stats()
			if s.Lagging != lagging || !maps.Equal(s.ByTransport, carried) ||
				s.Members != len(h.Members()) {
				rt.Fatalf("stats %+v, want %d lagging and %v", s, lagging, carried)
			}
		}
	})
}

// Add adds every count.
func TestAddStats(t *testing.T) {
	t.Parallel()
	count := func(n uint64) (s Stats) {
		for _, field := range reflect.ValueOf(&s).Elem().Fields() {
			switch field.Kind() {
			case reflect.Map:
				one := reflect.MakeMap(field.Type())
				one.SetMapIndex(reflect.ValueOf("k"), reflect.ValueOf(n).Convert(field.Type().Elem()))
				field.Set(one)
			default:
				field.Set(reflect.ValueOf(n).Convert(field.Type()))
			}
		}
		return s
	}
	sum := count(2)
	sum.Add(count(3))
	if want := count(5); !reflect.DeepEqual(sum, want) {
		t.Errorf("got  %+v\nwant %+v", sum, want)
	}
}
