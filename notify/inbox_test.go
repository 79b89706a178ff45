package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestMemberIsWokenOnceUntilItHasPulled(t *testing.T) {
	h := newHub(t, Options{})
	woken := 0
	m := attach(t, h, Attachment{ClientID: "a", Wake: func(int) { woken++ }})
	for i, c := range []struct {
		pulls bool
		want  int
	}{{false, 1}, {false, 1}, {true, 1}, {false, 2}, {true, 2}, {true, 3}} {
		send(t, h, "x", "*")
		if woken != c.want {
			t.Errorf("step %d: woken %d times, want %d", i, woken, c.want)
		}
		if c.pulls {
			pull(m)
		}
	}
	for range inboxSize + 10 { // one Wake, then the member lags without another
		send(t, h, "x", "*")
	}
	if !m.Lagging() || woken != 4 {
		t.Errorf("lagging %v, woken %d times", m.Lagging(), woken)
	}
	pull(m)
	send(t, h, "x", "*")
	if m.Lagging() || woken != 5 {
		t.Errorf("lagging %v, woken %d times", m.Lagging(), woken)
	}
}

// A member that was woken for a message to many is woken again for one to few, so that its transport
// can prefer it. A message to more does not wake it.
func TestMemberIsWokenAgainForFew(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	var audiences []int
	m := attach(t, h, Attachment{ClientID: "m", Rooms: []string{"few"},
		Wake: func(audience int) { audiences = append(audiences, audience) }})
	for i := range 63 {
		attach(t, h, Attachment{ClientID: fmt.Sprint("c", i)})
	}
	for i, c := range []struct {
		room string
		want []int
	}{
		{"*", []int{64}}, {"*", []int{64}}, {"few", []int{64, 1}}, {"few", []int{64, 1}},
		{"*", []int{64, 1}},
	} {
		if send(t, h, "x", c.room); !slices.Equal(audiences, c.want) {
			t.Fatalf("step %d: woken for %d, want %d", i, audiences, c.want)
		}
	}
	if pull(m); len(audiences) != 2 {
		t.Fatalf("woken for %d", audiences)
	}
	if send(t, h, "x", "few"); !slices.Equal(audiences, []int{64, 1, 1}) {
		t.Fatalf("woken for %d after a pull", audiences)
	}
}

// A pull that returns fewer deliveries than fit has emptied the inbox: the next message wakes the
// transport again without another pull.
func TestShortPullLeavesNothing(t *testing.T) {
	for name, before := range map[string]int{
		"nothing": 0, "some": 5, "a full inbox": inboxSize,
		"lag": 3 * inboxSize,
	} {
		for _, resumed := range []bool{false, true} {
			for _, size := range []int{1, 7, 2 * inboxSize, 4 * inboxSize} {
				h := newHub(t, Options{})
				woken := 0
				a := Attachment{ClientID: "a", Wake: func(int) { woken++ }}
				if resumed {
					a.Resume = &Cursor{All: true}
				}
				m := attach(t, h, a)
				for range before {
					send(t, h, "x", "*")
				}
				buf := make([]Delivery, size)
				for more := true; more; {
					_, more = m.Pull(buf)
				}
				woken = 0
				send(t, h, "x", "*")
				if woken != 1 {
					t.Errorf("%s, resumed %t, pulls of %d: woken %d times, want once", name,
						resumed, size, woken)
				}
			}
		}
	}
}

// One Pull takes messages of at most pullBytes, or a single larger one, so that a client that does
// not read keeps no more of them. It says that there are more.
func TestPullIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	for _, resumed := range []bool{false, true} {
		h := newHub(t, Options{})
		a := Attachment{ClientID: "a"}
		publish := func() {
			for _, size := range []int{10, 10, 4 << 10, 4 << 10, 200 << 10, 10, 200 << 10, 10} {
				deliver(t, h, &Message{Rooms: []string{"*"}, Type: "t", Data: make([]byte, size)})
			}
		}
		if resumed {
			publish()
			a.Resume = &Cursor{All: true}
		}
		m := attach(t, h, a)
		if !resumed {
			publish()
		}
		var sizes []int
		buf := make([]Delivery, 30)
		for more := true; more; {
			var n int
			var bytes int64
			n, more = m.Pull(buf)
			for _, d := range buf[:n] {
				if d.Message != nil {
					sizes = append(sizes, len(d.Message.Data))
					if bytes > pullBytes {
						t.Errorf("%v: a message follows %d bytes", sizes, bytes)
					}
					bytes += d.Message.cost
				}
			}
			if n == 0 && more {
				t.Fatal("nothing pulled, and there is more")
			}
		}
		if got := fmt.Sprint(sizes); got != "[10 10 4096 4096 204800 10 204800 10]" {
			t.Errorf("resumed %t: %s", resumed, got)
		}
	}
}

// The ring wraps around and holds no message that was pulled.
func TestInboxReleasesPulledMessages(t *testing.T) {
	h := newHub(t, Options{})
	m := attach(t, h, Attachment{ClientID: "a"})
	buf := make([]Delivery, 30)
	next := 0
	for i := range 200 {
		send(t, h, fmt.Sprint(i), "*")
		if i%30 == 29 {
			n, _ := m.Pull(buf[:29])
			for _, d := range buf[:n] {
				if got := shown([]Delivery{d}); got != fmt.Sprint(next) {
					t.Fatalf("pulled %s, want %d", got, next)
				}
				next++
			}
		}
	}
	held := 0
	for _, msg := range m.inbox {
		if msg != nil {
			held++
		}
	}
	if held != m.Pending() || held != 200-next {
		t.Errorf("holds %d messages, %d pending, %d to come", held, m.Pending(), 200-next)
	}
}

// The inbox can be pulled after Detach, and no message is added to it.
func TestDetachedMemberEmptiesInbox(t *testing.T) {
	h := newHub(t, Options{})
	m := attach(t, h, Attachment{ClientID: "a"})
	send(t, h, "1", "*")
	m.Detach()
	m.Join("x")
	send(t, h, "2", "*", "x")
	expect(t, m, "1")
	expect(t, m, "")
	if len(m.Rooms()) != 0 || m.In("x") || m.Pending() != 0 || h.Total() != 0 ||
		h.Member("/", "a") != nil {
		t.Errorf("rooms %v, %d pending, total %d", m.Rooms(), m.Pending(), h.Total())
	}
	if c := m.Cursor(); c.Seq != 1 {
		t.Errorf("cursor %v: it had pulled the first message", c)
	}
	attach(t, h, Attachment{ClientID: "a"}) // the id is free
}

func TestCursorFollowsPulledMessages(t *testing.T) {
	h := newHub(t, Options{})
	m := attach(t, h, Attachment{ClientID: "a", Rooms: []string{"x"}})
	want := func(seq uint64) {
		t.Helper()
		if got := m.Cursor(); got != (ID{0x5f3a9c01, seq}) {
			t.Errorf("cursor %v, want %d", got, seq)
		}
	}
	want(0)
	send(t, h, "1", "other")
	want(1) // nothing is pending, so it is the head
	send(t, h, "2", "x")
	send(t, h, "3", "x")
	send(t, h, "4", "other")
	want(1)
	buf := make([]Delivery, 1)
	m.Pull(buf)
	want(2)
	m.Pull(buf)
	want(4)
	for range inboxSize + 1 {
		send(t, h, "5", "x")
	}
	want(4) // the member has not pulled the pending messages
}

func TestLaggingMemberReadsEverythingOnce(t *testing.T) {
	h := newHub(t, Options{})
	m := attach(t, h, Attachment{ClientID: "a", Rooms: []string{"x", "y"}})
	var want []string
	for i := range 300 {
		rooms := [][]string{{"x"}, {"y"}, {"x", "y"}, {"*"}, {"other"}}[i%5]
		send(t, h, fmt.Sprint(i), rooms...)
		if i%5 != 4 {
			want = append(want, fmt.Sprint(i))
		}
	}
	if !m.Lagging() {
		t.Fatal("does not lag")
	}
	buf := make([]Delivery, 10)
	var got []string
	for n, _ := m.Pull(buf); n > 0; n, _ = m.Pull(buf) {
		got = append(got, shown(buf[:n]))
		// The 240 messages have 300 refs. The member is live again when 64 are left.
		if m.Lagging() != (len(got) < 19) {
			t.Errorf("after pull %d: lagging %v, %d pending", len(got), m.Lagging(), m.Pending())
		}
	}
	if s := strings.Join(got, " "); s != strings.Join(want, " ") {
		t.Errorf("pulled\n got %s\nwant %s", s, strings.Join(want, " "))
	}
}

func TestLaggingMemberSkipsForeignMessages(t *testing.T) {
	h := newHub(t, Options{})
	m := attach(t, h, Attachment{ClientID: "a", Rooms: []string{"x"}})
	for range inboxSize + 1 {
		send(t, h, "x", "x")
	}
	send(t, h, "before", "y")
	m.Join("y")
	send(t, h, "after", "y")
	deliver(t, h, &Message{Rooms: []string{"*"}, Except: []string{"client:a", "none"},
		Data: []byte("excepted")})
	send(t, h, "left", "z", "x")
	got := pull(m)
	if tail := shown(got[inboxSize+1:]); tail != "after left" {
		t.Errorf("pulled %s", tail)
	}
}
