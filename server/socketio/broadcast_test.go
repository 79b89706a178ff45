package socketio

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// choice is the selection that a Broadcast must make: the model of TestBroadcastIsAValue.
type choice struct {
	b          Broadcast
	to, except []string
}

// A Broadcast does not change when others are derived from it, in any order.
func TestBroadcastIsAValue(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	rooms := []string{"a", "b", "c"}
	clients := map[string][]string{} // id -> rooms
	for i := range 8 {
		id := fmt.Sprintf("client-%d-of-the-test", i)
		for bit, room := range rooms {
			if i&(1<<bit) != 0 {
				clients[id] = append(clients[id], room)
			}
		}
		servertest.Attach(t, s.Hub, id, "", clients[id]...)
		clients[id] = append(clients[id], id) // its own room
	}
	ids := make([]string, 0, len(clients))
	for id := range clients {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	names := slices.Concat(rooms, ids)
	in := func(id string, rooms []string) bool {
		return slices.ContainsFunc(rooms, func(room string) bool {
			return slices.Contains(clients[id], room)
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		choices := []choice{{b: s.sio.To()}}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			next := rapid.SampledFrom(choices).Draw(t, "from")
			add := rapid.SliceOfN(rapid.SampledFrom(names), 0, 3).Draw(t, "rooms")
			switch rapid.IntRange(0, 2).Draw(t, "method") {
			case 0:
				next = choice{next.b.To(add...), slices.Concat(next.to, add), next.except}
			case 1:
				next = choice{next.b.Except(add...), next.to, slices.Concat(next.except, add)}
			default:
				next.b = next.b.Volatile()
			}
			choices = append(choices, next)
		}
		for _, c := range choices {
			var want, got []string
			for _, id := range ids {
				if (len(c.to) == 0 || in(id, c.to)) && !in(id, c.except) {
					want = append(want, id)
				}
			}
			for _, m := range c.b.Members() {
				got = append(got, m.ClientID())
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("to %q except %q: %q, want %q", c.to, c.except, got, want)
			}
		}
	})
}

// The methods of a Broadcast affect only its clients, including EventSource streams where they can.
func TestBroadcastActsOnItsClients(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	a, aConnected := s.Connect(`{"userId":"a","channels":["r"]}`)
	b, bConnected := s.Connect(`{"userId":"b","channels":["r"]}`)
	_, other := s.Connect(`{"userId":"c"}`)
	_, lines := s.Stream(map[string][]string{"userId": {"d"}, "channels": {"r"}}, nil)
	streamID := firstID(t, lines.Scan, lines.Text)

	in := s.sio.To("r").Except(aConnected.ClientID)
	got := idsOf(in.Members())
	if !slices.Equal(got, sortedStrings([]string{bConnected.ClientID, streamID})) {
		t.Errorf("members %q", got)
	}
	if got := in.Conns(); len(got) != 1 || got[0].ID() != bConnected.ClientID {
		t.Errorf("conns %v", got)
	}
	receipt, err := in.Emit("x", 1)
	if err != nil || receipt.Delivered != 2 || !receipt.Stored {
		t.Errorf("%+v, %v", receipt, err)
	}
	b.Event("x", nil)
	a.Sync() // fails on every packet except its own pong
	if receipt, err = in.Volatile().Emit("x", 2); err != nil || receipt.Stored {
		t.Errorf("%+v, %v", receipt, err)
	}
	b.Event("x", nil)

	in.Join("more")
	if got := idsOf(s.sio.To("more").Members()); len(got) != 2 {
		t.Errorf("in the room are %q", got)
	}
	s.sio.To(streamID).Leave("more")
	if got := idsOf(s.sio.To("more").Members()); !slices.Equal(got, []string{bConnected.ClientID}) {
		t.Errorf("in the room are %q", got)
	}
	s.sio.To(bConnected.ClientID).Leave(bConnected.ClientID, "*") // its own rooms remain
	if got := s.sio.To(bConnected.ClientID).Members(); len(got) != 1 {
		t.Error("a client has left its own room")
	}
	in.Close()
	if got := b.Read(); got != "41" {
		t.Errorf("got %s", got)
	}
	servertest.Eventually(t, "a and the other remain", func() bool {
		return slices.Equal(idsOf(s.Hub.Members()),
			sortedStrings([]string{aConnected.ClientID, other.ClientID}))
	})
}

func idsOf(members []*notify.Member) (ids []string) {
	for _, m := range members {
		ids = append(ids, m.ClientID())
	}
	slices.Sort(ids)
	return ids
}

// Emit returns the reason when it sends nothing.
func TestEmitErrors(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	for _, tt := range []struct {
		event string
		arg   any
		want  string
	}{
		{"disconnect", nil, `event: "disconnect" is reserved by Socket.IO`},
		{"x", make(chan int), `socketio: emit "x": json: unsupported type: chan int`},
		{"x", map[string]any{"f": func() {}}, `socketio: emit "x": json: unsupported type: func()`},
	} {
		if _, err := s.sio.To().Emit(tt.event, tt.arg); err == nil || err.Error() != tt.want {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
	down := newStack(t, func(o *Options) {
		o.Hub = notify.New(servertest.DownLog{Log: notify.NewMemoryLog()}, notify.DefaultOptions())
		t.Cleanup(o.Hub.Close)
	})
	if _, err := down.sio.To().Emit("x"); !errors.Is(err, notify.ErrUnavailable) {
		t.Errorf("an event that was not stored: %v", err)
	}
}
