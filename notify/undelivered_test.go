package notify

import (
	"context"
	"fmt"
	"slices"
	"testing"
)

// OnUndelivered gets exactly the rooms of the target without a member, also when a member is
// excepted, and nothing for messages that nobody watches.
func TestUndelivered(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{HistorySize: 10})
	var got []string
	h.OnUndelivered(func(u Undelivered) {
		got = append(got, fmt.Sprint(u.Message.Type, " ", u.Message.ID.Seq, " ", u.Rooms))
	})
	attach(t, h, Attachment{ClientID: "c1", UserID: "u1", Rooms: []string{"x"}})
	ctx := context.Background()
	n := Notification{Type: "n", Data: []byte(`1`)}
	publish := func(n Notification, to Target) {
		t.Helper()
		if _, err := h.Publish(ctx, n, to); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("undelivered %q, want %q", got, want)
		}
		got = nil
	}
	publish(n, ToUser("u1"))
	publish(n, ToChannel("x"))
	publish(n, ToAll())
	excepted := n
	excepted.Except = []string{"c1"}
	publish(excepted, ToUser("u1"))
	volatile := n
	volatile.Volatile = true
	publish(volatile, ToUser("u2"))
	expect()
	publish(n, ToUsers("u2", "u1", "u3"))
	expect("n 5 [user:u2 user:u3]")
	publish(n, ToClient("c9"))
	expect("n 6 [client:c9]")
	results, err := h.PublishBatch(ctx, []Publication{
		{n, ToChannel("x")}, {n, ToChannel("y")}, {volatile, ToChannel("y")}, {n, ToUser("u2")},
	})
	if err != nil || len(results) != 4 {
		t.Fatal(results, err)
	}
	expect("n 8 [y]", "n 9 [user:u2]")
	if _, err := h.Emit(ctx, Emission{Room: "y", Event: "e"}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Emit(ctx, Emission{Namespace: "/n", Target: ToAll(), Event: "e"}); err != nil {
		t.Fatal(err)
	}
	expect("e 10 [y]", "e 11 [/n#*]")
	// What a client or a handler emits to an empty room is no notification of a backend.
	if _, err := h.Deliver(ctx, &Message{Rooms: []string{"y"}, Type: "m"}); err != nil {
		t.Fatal(err)
	}
	expect()
	h.Drain()
	if _, err := h.Publish(ctx, n, ToUser("u2")); err == nil {
		t.Error("published while draining")
	}
	expect()
}

func TestChannelOccupied(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{HistorySize: 10})
	send(t, h, "n", "x")
	if h.ChannelOccupied("x") {
		t.Error("a channel with history only is occupied")
	}
	m := attach(t, h, Attachment{ClientID: "c1", Rooms: []string{"x", "/odd#name"}})
	if !h.ChannelOccupied("x") {
		t.Error("a channel with a member is not occupied")
	}
	m.Detach()
	if h.ChannelOccupied("x") {
		t.Error("a channel without members is occupied")
	}
}
