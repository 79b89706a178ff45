package notify

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func sorted(names []string) string {
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestAttachJoinsOwnRooms(t *testing.T) {
	h := newHub(t, Options{})
	for _, c := range []struct {
		a    Attachment
		want string
	}{
		{Attachment{ClientID: "a", UserID: "u", Rooms: []string{"x", "y", "x"}}, "* client:a user:u x y"},
		{Attachment{ClientID: "b"}, "* client:b"},
		{Attachment{ClientID: "a", UserID: "u", Namespace: "/n", Rooms: []string{"/n#x"}}, "/n#* /n#client:a /n#x"},
	} {
		m := attach(t, h, c.a)
		if got := sorted(m.Rooms()); got != c.want {
			t.Errorf("rooms %s, want %s", got, c.want)
		}
	}
	if _, err := h.Attach(Attachment{ClientID: "a", Namespace: "/"}); !errors.Is(err, ErrClientIDLive) {
		t.Errorf("second attach of a client id: %v", err)
	}
}

func TestJoinAndLeave(t *testing.T) {
	h := newHub(t, Options{})
	m := attach(t, h, Attachment{ClientID: "a", UserID: "u"})
	send(t, h, "before", "x")
	m.Join("x", "x", "y")
	send(t, h, "1", "x")
	send(t, h, "2", "x", "y")
	m.Leave("x", "never", "*", "client:a", "user:u") // Attach joined them, so they remain
	send(t, h, "left", "x")
	send(t, h, "3", "y")
	if !m.In("y") || m.In("x") || !m.In("*") || sorted(m.Rooms()) != "* client:a user:u y" {
		t.Errorf("rooms %v", m.Rooms())
	}
	expect(t, m, "1 2 3")
	m.Join("user:other") // Go code may join any room
	m.Leave("user:other")
	if m.In("user:other") {
		t.Error("still in the room of another user")
	}
}

func TestMemberIsWokenOnceUntilItHasPulled(t *testing.T) {
	h := newHub(t, Options{})
	woken := 0
	m := attach(t, h, Attachment{ClientID: "a", Wake: func() { woken++ }})
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

// A pull that returns fewer deliveries than fit has emptied the inbox: the next message wakes the
// transport again without another pull.
func TestShortPullLeavesNothing(t *testing.T) {
	for name, before := range map[string]int{"nothing": 0, "some": 5, "a full inbox": inboxSize, "lag": 3 * inboxSize} {
		for _, resumed := range []bool{false, true} {
			for _, size := range []int{1, 7, 2 * inboxSize, 4 * inboxSize} {
				h := newHub(t, Options{})
				woken := 0
				a := Attachment{ClientID: "a", Wake: func() { woken++ }}
				if resumed {
					a.Resume = &Cursor{All: true}
				}
				m := attach(t, h, a)
				for range before {
					send(t, h, "x", "*")
				}
				for buf := make([]Delivery, size); m.Pull(buf) == size; {
				}
				woken = 0
				send(t, h, "x", "*")
				if woken != 1 {
					t.Errorf("%s, resumed %t, pulls of %d: woken %d times, want once", name, resumed, size, woken)
				}
			}
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
			for _, d := range buf[:m.Pull(buf[:29])] {
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

// Wake and the hooks may call the Hub, which holds no lock while it calls them.
func TestWakeAndHooksHoldNoLock(t *testing.T) {
	h := newHub(t, Options{})
	var calls []string
	h.OnAttach(func(m *Member) { calls = append(calls, fmt.Sprint("attach ", m.ClientID(), " ", h.Total())) })
	h.OnDetach(func(m *Member) { calls = append(calls, fmt.Sprint("detach ", m.ClientID(), " ", h.Total())) })
	var m *Member
	m = attach(t, h, Attachment{ClientID: "a", Wake: func() {
		for _, d := range pull(m) {
			calls = append(calls, shown([]Delivery{d}))
		}
		if len(calls) < 3 {
			send(t, h, "again", "*")
		}
	}})
	send(t, h, "first", "*")
	m.Detach()
	m.Detach()
	if got := strings.Join(calls, ", "); got != "attach a 1, first, again, detach a 0" {
		t.Errorf("calls: %s", got)
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
	if len(m.Rooms()) != 0 || m.In("x") || m.Pending() != 0 || h.Total() != 0 || h.Member("/", "a") != nil {
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
	for n := m.Pull(buf); n > 0; n = m.Pull(buf) {
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
	deliver(t, h, &Message{Rooms: []string{"*"}, Except: []string{"client:a", "none"}, Data: []byte("excepted")})
	send(t, h, "left", "z", "x")
	got := pull(m)
	if tail := shown(got[inboxSize+1:]); tail != "after left" {
		t.Errorf("pulled %s", tail)
	}
}

func TestLookups(t *testing.T) {
	h := newHub(t, Options{})
	owner := new(int)
	reason := ""
	members := crowd(t, h)
	e := attach(t, h, Attachment{
		ClientID: "e", UserID: "u4", Username: "Eve", Transport: "polling", Owner: owner, Disconnect: func(r string) { reason = r },
	})
	e.SetTransport("websocket")
	e.Disconnect("idle")
	members["a"].Disconnect("nothing to call")
	if e.ClientID() != "e" || e.UserID() != "u4" || e.Username() != "Eve" || e.Namespace() != "/" || e.Transport() != "websocket" ||
		e.Owner() != owner || e.ConnectedAt().IsZero() || reason != "idle" {
		t.Errorf("member %+v, disconnected for %q", e.a, reason)
	}
	if h.Member("", "e") != e || h.Member("/n", "n") != members["n"] || h.Member("/", "n") != nil {
		t.Error("Member finds another")
	}
	if h.Total() != 5 || len(h.Members()) != 6 || h.ConnectionsOf("u1") != 2 || h.UserOnline("u9") || h.UserOnline("u3") || !h.UserOnline("u2") {
		t.Errorf("total %d, members %d, of u1 %d", h.Total(), len(h.Members()), h.ConnectionsOf("u1"))
	}
	ids := func(members []*Member) string {
		var ids []string
		for _, m := range members {
			ids = append(ids, m.ClientID())
		}
		return sorted(ids)
	}
	if got := ids(h.Match([]string{"orders", "news", "none"}, []string{"user:u2", "client:d"})); got != "a b" {
		t.Errorf("match %s", got)
	}
	send(t, h, "x", "orders")
	s := h.Stats()
	s.Gaps = nil
	if got := fmt.Sprintf("%+v", s); got != "{Total:5 ActiveUsers:3 ByTransport:map[:4 websocket:1] Members:6 Lagging:0 Channels:2 Rooms:13 Sessions:0 Published:1 Delivered:3 History:1 HistoryBytes:1556 Lagged:0 Dropped:0 Replays:0 Replayed:0 Gaps:map[]}" {
		t.Errorf("stats %s", got)
	}
	for _, m := range h.Members() {
		m.Detach()
	}
	if s := h.Stats(); s.Total+s.ActiveUsers+s.Members+s.Channels != 0 || s.Rooms != 1 || len(h.users)+len(h.ids) != 0 {
		t.Errorf("after all detached: %+v, %d users, %d ids", s, len(h.users), len(h.ids))
	}
}

func TestJoinChannels(t *testing.T) {
	h := newHub(t, Options{})
	attach(t, h, Attachment{ClientID: "taken"})
	attach(t, h, Attachment{ClientID: "was", Sessions: []string{"s"}}).Detach()
	m := attach(t, h, Attachment{ClientID: "a", UserID: "u", Namespace: "/n", Rooms: []string{"/n#has"}})
	may := func(name string) bool { return name != "secret" }
	joined, denied := h.JoinChannels(m, []string{"one", "user:u", "*", "secret", "taken", "was", "has", "one", "two", "three", "Client:x", "a#b"}, may, 3)
	if got := fmt.Sprint(joined, denied); got != "[one has one two] [user:u * secret taken was three Client:x a#b]" {
		t.Errorf("joined and denied %s", got)
	}
	if got := sorted(m.Rooms()); got != "/n#* /n#client:a /n#has /n#one /n#two" {
		t.Errorf("rooms %s", got)
	}
	if left := h.LeaveChannels(m, []string{"one", "never", "*", "client:a"}); fmt.Sprint(left) != "[one never]" {
		t.Errorf("left %v", left)
	}
	if m.In("/n#one") || !m.In("/n#*") || !m.In("/n#client:a") {
		t.Errorf("rooms %v", m.Rooms())
	}
	if joined, denied := h.JoinChannels(m, []string{"four", "five"}, nil, NoLimit); len(joined) != 2 || denied != nil {
		t.Errorf("without limit: %v, %v", joined, denied)
	}
}

// A limit of 0 means none: the client keeps its channels and joins no other.
func TestLimitOfZeroChannels(t *testing.T) {
	h := newHub(t, Options{})
	m := attach(t, h, Attachment{ClientID: "a", Rooms: []string{"has"}})
	joined, denied := h.JoinChannels(m, []string{"has", "one"}, nil, 0)
	if got := fmt.Sprint(joined, denied); got != "[has] [one]" {
		t.Errorf("joined and denied %s", got)
	}
	for limit, want := range map[int]string{0: "[] [one two]", 1: "[one] [two]", NoLimit: "[one two] []"} {
		allowed, denied := h.Admissible([]string{"one", "two"}, nil, limit)
		if got := fmt.Sprint(allowed, denied); got != want {
			t.Errorf("limit %d: allowed and denied %s, want %s", limit, got, want)
		}
	}
}
