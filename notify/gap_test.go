package notify

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// numbers sends n messages, "1", "2" …, to room x.
func numbers(t testing.TB, h *Hub, n int) {
	t.Helper()
	for i := range n {
		send(t, h, fmt.Sprint(i+1), "x")
	}
}

func TestResume(t *testing.T) {
	const all = "[* client:c user:u x]"
	for name, c := range map[string]struct {
		o      Options
		resume *Cursor
		want   string
	}{
		"from now":          {Options{}, nil, ""},
		"at the head":       {Options{}, at(6), "recovery(true 0 6>6)"},
		"in the middle":     {Options{}, at(4), "5 6 recovery(true 2 4>6)"},
		"before everything": {Options{}, at(0), "1 2 3 4 5 6 recovery(true 6 0>6)"},
		"all": {Options{}, &Cursor{All: true},
			"1 2 3 4 5 6 recovery(true 6 0>6)"},
		"trimmed": {Options{HistorySize: 3}, at(1),
			"gap(trimmed 1>3 [x] id 1) 4 5 6 recovery(false 3 1>6)"},
		"just retained": {Options{HistorySize: 3}, at(3),
			"4 5 6 recovery(true 3 3>6)"},
		"all, trimmed": {Options{HistorySize: 3}, &Cursor{All: true},
			"4 5 6 recovery(true 3 0>6)"},
		"another epoch": {Options{}, &Cursor{ID: ID{0xabad1dea, 99}},
			"gap(epoch abad1dea-99>0 " + all +
				" id abad1dea-99) 1 2 3 4 5 6 recovery(false 6 abad1dea-99>6)"},
		"another epoch, trimmed": {Options{HistorySize: 3}, &Cursor{ID: ID{0xabad1dea, 1}},
			"gap(epoch abad1dea-1>3 " + all +
				" id abad1dea-1) 4 5 6 recovery(false 3 abad1dea-1>6)"},
		"ahead": {Options{}, at(7),
			"gap(ahead 7>6 " + all + " id 6) recovery(false 0 7>6)"},
		"invalid": {Options{}, &Cursor{Invalid: true},
			"gap(invalid >6 " + all + " id 6) recovery(false 0 >6)"},
		"the zero cursor": {Options{}, &Cursor{},
			"gap(invalid >6 " + all + " id 6) recovery(false 0 >6)"},
		"too many": {Options{MaxReplay: 2}, at(1),
			"gap(too_many 1>4 [x] id 1) 5 6 recovery(false 2 1>6)"},
		"just not too many": {Options{MaxReplay: 2}, at(4), "5 6 recovery(true 2 4>6)"},
		"too many, trimmed": {Options{MaxReplay: 2, HistorySize: 3}, at(1),
			"gap(too_many 1>4 [x] id 1) 5 6 recovery(false 2 1>6)"},
		"all, too many": {Options{MaxReplay: 2}, &Cursor{All: true},
			"5 6 recovery(true 2 0>6)"},
		"another epoch and too many": {Options{MaxReplay: 2}, &Cursor{ID: ID{0xabad1dea, 1}},
			"gap(epoch abad1dea-1>4 " + all + " id abad1dea-1) 5 6 recovery(false 2 abad1dea-1>6)"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, c.o)
			numbers(t, h, 6)
			a := Attachment{ClientID: "c", UserID: "u", Rooms: []string{"x"}, Resume: c.resume}
			covered := c.resume == nil || !strings.Contains(c.want, "gap")
			going := a
			going.ClientID, going.Former = "new", &Former{ClientID: "former"}
			if m := attach(t, h, going); c.resume != nil &&
				(m.Recovered() != covered || (m.Missed() == nil) != covered) {
				t.Errorf("recovered %v, missed %+v", m.Recovered(), m.Missed())
			} else if former := m.ClientID() == "former"; former != (covered && c.resume != nil) {
				t.Errorf("it got the client id %q", m.ClientID())
			} else {
				m.Detach()
			}
			rooms := h.Stats().Rooms
			m := attach(t, h, a)
			if rooms != 1 {
				t.Errorf("the former member leaves %d rooms", rooms)
			}
			if c.resume != nil && !c.resume.All && m.Cursor() != c.resume.ID {
				t.Errorf("cursor %v before the first pull, want the client's", m.Cursor())
			}
			expect(t, m, c.want)
			if m.Cursor() != h.Head() || m.Lagging() {
				t.Errorf("cursor %v after the replay, lagging %v", m.Cursor(), m.Lagging())
			}
			send(t, h, "live", "x") // the member is live again
			expect(t, m, "live")
		})
	}
}

// A member without a usable cursor gets every message that is published before its first pull.
func TestFromNowIsFromAttach(t *testing.T) {
	for name, resume := range map[string]*Cursor{
		"none": nil, "invalid": {Invalid: true},
		"ahead": at(3),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, Options{})
			send(t, h, "old", "x")
			m := attach(t, h, Attachment{ClientID: "c", Rooms: []string{"x"}, Resume: resume})
			numbers(t, h, 4)
			got := shown(pull(m))
			if strings.Contains(got, "old") || !strings.Contains(got, "1 2 3 4") ||
				strings.HasPrefix(got, "gap") != (resume != nil) {
				t.Errorf("pulled %s", got)
			}
		})
	}
}

// The gap has the old cursor as its id, so a client that loses the connection after the gap gets
// the gap again.
func TestCursorAfterGap(t *testing.T) {
	h := newHub(t, Options{HistorySize: 3})
	numbers(t, h, 6)
	m := attach(t, h, Attachment{ClientID: "c", Rooms: []string{"x"}, Resume: at(1)})
	buf := make([]Delivery, 1)
	if m.Pull(buf); buf[0].Gap == nil || m.Cursor() != at(1).ID {
		t.Fatalf("first %s, cursor %v", shown(buf), m.Cursor())
	}
	if m.Pull(buf); shown(buf) != "4" || m.Cursor() != at(4).ID {
		t.Fatalf("then %s, cursor %v", shown(buf), m.Cursor())
	}
	send(t, h, "7", "x")
	send(t, h, "8", "x") // trims 5, which the reader has not pulled
	expect(t, m, "gap(trimmed 4>5 [x] id 4) 6 7 8 recovery(false 4 1>8)")
}

func TestStalledMemberGetsGap(t *testing.T) {
	h := newHub(t, Options{HistorySize: 100})
	m := attach(t, h, Attachment{ClientID: "c", Rooms: []string{"x"}})
	numbers(t, h, 150)
	got := pull(m)
	if len(got) != 101 || shown(got[:2]) != "gap(trimmed 0>50 [x] id 0) 51" ||
		shown(got[100:]) != "150" {
		t.Errorf("%d deliveries, first %s", len(got), shown(got[:2]))
	}
	expect(t, m, "")
	// A gap reports only rooms that have lost messages since the last one.
	m.Join("y")
	numbers(t, h, 70)
	for range 150 {
		send(t, h, "y", "y")
	}
	buf := make([]Delivery, 1)
	if m.Pull(buf); shown(buf) != "gap(trimmed 150>270 [y] id 150)" {
		t.Errorf("first %s", shown(buf))
	}
	numbers(t, h, 35)
	if m.Pull(buf); shown(buf) != "gap(trimmed 150>155 [x] id 150)" {
		t.Errorf("then %s", shown(buf))
	}
}

func TestForeignMessagesCauseNoGap(t *testing.T) {
	h := newHub(t, Options{HistorySize: 2})
	m := attach(t, h, Attachment{ClientID: "c", Rooms: []string{"y"}})
	numbers(t, h, 10)
	m.Join("x")           // trimmed before the join
	for range inboxSize { // an excluded member has no pending message
		deliver(t, h, &Message{Rooms: []string{"y"}, Except: []string{"client:c"}})
	}
	send(t, h, "1", "y")
	m.lag()
	expect(t, m, "1")
}

// A freed room may have lost messages, so a client that resumes in it gets a gap. A new client id
// and a room that was never freed have lost none.
func TestFreedRoomCausesGap(t *testing.T) {
	h := newHub(t, Options{HistoryMaxBytes: 1})
	stays := attach(t, h, Attachment{ClientID: "stays", Rooms: []string{"z"}})
	numbers(t, h, 2)
	h.stop() // the sweep, so that the test can read without the lock
	if s := h.Stats(); s.History != 0 || h.index.table.Room("x") != nil {
		t.Fatalf("stats %+v", s)
	}
	expect(t, attach(t, h, Attachment{ClientID: "a", Rooms: []string{"z"}, Resume: at(1)}),
		"recovery(true 0 1>2)")
	expect(t, attach(t, h, Attachment{ClientID: "b", Rooms: []string{"x"}, Resume: at(1)}),
		"gap(trimmed 1>2 [x] id 1) recovery(false 0 1>2)")
	stays.Detach()
}

// Messages that the log lost, or stored before the Hub started, cause a gap.
func TestHoleInLogCausesGap(t *testing.T) {
	log := NewMemoryLog()
	log.head = ID{0x5f3a9c01, 40} // stored before this node started; nothing is retained
	h := New(log, DefaultOptions())
	defer h.Close()
	expect(t, attach(t, h, Attachment{ClientID: "a", Rooms: []string{"x"}, Resume: at(30)}),
		"gap(trimmed 30>40 [* x] id 30) recovery(false 0 30>40)")
	woken := 0
	idle := attach(t, h, Attachment{ClientID: "idle", Rooms: []string{"x"}, Wake: func(int) {
		woken++
	}})
	busy := attach(t, h, Attachment{ClientID: "busy", Rooms: []string{"x"}})
	send(t, h, "41", "x")
	pull(idle)

	lose(log, 50, log.head.Epoch)
	send(t, h, "51", "x")
	if woken != 2 {
		t.Errorf("woken %d times", woken)
	}
	expect(t, idle, "gap(trimmed 41>50 [* client:idle x] id 41) 51")
	expect(t, busy, "gap(trimmed 40>50 [* client:busy x] id 40) 51")

	lose(log, 4, 0xabad1dea)
	send(t, h, "5", "x")
	err := h.log.Append(context.Background(),
		[]*Message{{Rooms: []string{"x"}, Data: []byte(`"6"`)}})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, idle, "gap(epoch 51>abad1dea-4 [* client:idle x] id 51) 5 6")
	expect(t, attach(t, h, Attachment{ClientID: "b", Rooms: []string{"x"}, Resume: at(51)}),
		"gap(epoch 51>abad1dea-4 [* client:b x] id 51) 5 6 recovery(false 2 51>abad1dea-6)")
}

// lose makes the log lose all messages up to a new head.
func lose(log *MemoryLog, seq uint64, epoch uint32) {
	log.head = ID{epoch, seq}
	log.deliver(Batch{Loss: &Loss{Head: log.head}})()
}
