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
		{Attachment{ClientID: "a", UserID: "u", Rooms: []string{"x", "y", "x"}},
			"* client:a user:u x y"},
		{Attachment{ClientID: "b"}, "* client:b"},
		{Attachment{ClientID: "a", UserID: "u", Namespace: "/n", Rooms: []string{"/n#x"}},
			"/n#* /n#client:a /n#user:u /n#x"},
	} {
		m := attach(t, h, c.a)
		if got := sorted(m.Rooms()); got != c.want {
			t.Errorf("rooms %s, want %s", got, c.want)
		}
	}
	_, err := h.Attach(Attachment{ClientID: "a", Namespace: "/"})
	if !errors.Is(err, ErrClientIDLive) {
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

// Wake and the hooks may call the Hub, which holds no lock while it calls them.
func TestWakeAndHooksHoldNoLock(t *testing.T) {
	h := newHub(t, Options{})
	var calls []string
	h.OnAttach(func(m *Member) {
		calls = append(calls, fmt.Sprint("attach ", m.ClientID(), " ", h.Total()))
	})
	h.OnDetach(func(m *Member) {
		calls = append(calls, fmt.Sprint("detach ", m.ClientID(), " ", h.Total()))
	})
	var m *Member
	m = attach(t, h, Attachment{ClientID: "a", Wake: func(int) {
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

func TestLookups(t *testing.T) {
	h := newHub(t, Options{})
	owner := new(int)
	reason := ""
	members := crowd(t, h)
	e := attach(t, h, Attachment{
		ClientID: "e", UserID: "u4", Username: "Eve", Transport: "polling", Owner: owner,
		Disconnect: func(r string) {
			reason = r
		},
	})
	e.SetTransport("websocket")
	e.Disconnect("idle")
	members["a"].Disconnect("nothing to call")
	if e.ClientID() != "e" || e.UserID() != "u4" || e.Username() != "Eve" || e.Namespace() != "/" ||
		e.Transport() != "websocket" ||
		e.Owner() != owner || e.ConnectedAt().IsZero() || reason != "idle" {
		t.Errorf("member %+v, disconnected for %q", e.a, reason)
	}
	if h.Member("", "e") != e || h.Member("/n", "n") != members["n"] || h.Member("/", "n") != nil {
		t.Error("Member finds another")
	}
	if h.Total() != 5 || len(h.Members()) != 6 || h.ConnectionsOf("u1") != 2 ||
		h.UserOnline("u9") || h.UserOnline("u3") || !h.UserOnline("u2") {
		t.Errorf("total %d, members %d, of u1 %d", h.Total(), len(h.Members()),
			h.ConnectionsOf("u1"))
	}
	ids := func(members []*Member) string {
		var ids []string
		for _, m := range members {
			ids = append(ids, m.ClientID())
		}
		return sorted(ids)
	}
	got := ids(h.Match([]string{"orders", "news", "none"}, []string{"user:u2", "client:d"}))
	if got != "a b" {
		t.Errorf("match %s", got)
	}
	send(t, h, "x", "orders")
	s := h.Stats()
	s.Gaps = nil
	want := "{Total:5 ActiveUsers:3 ByTransport:map[:4 websocket:1] Members:6 Lagging:0 " +
		"Channels:2 Rooms:14 Sessions:0 Unsaved:0 Published:1 Delivered:3 History:1 HistoryBytes:1556 " +
		"Retained:0 RetainedBytes:0 " +
		"Lagged:0 Dropped:0 Replays:0 Replayed:0 Gaps:map[]}"
	if got := fmt.Sprintf("%+v", s); got != want {
		t.Errorf("stats %s", got)
	}
	for _, m := range h.Members() {
		m.Detach()
	}
	h.stop() // the sweep, so that the test can read without the lock
	if s := h.Stats(); s.Total+s.ActiveUsers+s.Members+s.Channels != 0 || s.Rooms != 1 ||
		len(h.users)+len(h.ids) != 0 {
		t.Errorf("after all detached: %+v, %d users, %d ids", s, len(h.users), len(h.ids))
	}
}
