package notify

import (
	"fmt"
	"slices"
	"testing"
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
