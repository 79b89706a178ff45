package notify

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestEmit(t *testing.T) {
	t.Parallel()
	h := newHub(t, DefaultOptions())
	a := attach(t, h, Attachment{ClientID: "a", UserID: "u1", Rooms: []string{"lobby"}})
	b := attach(t, h, Attachment{ClientID: "b", UserID: "u1", Rooms: []string{"lobby"}})
	n := attach(t, h, Attachment{ClientID: "n", UserID: "u1", Namespace: "/n",
		Rooms: []string{"/n#lobby"}})
	args := json.RawMessage(`[1]`)
	for _, c := range []struct {
		e    Emission
		want string // who gets it
	}{
		{Emission{Room: "lobby"}, "ab"},
		{Emission{Room: "lobby", Except: []string{"a"}}, "b"},
		{Emission{Room: "a"}, "a"}, // the id of a client
		{Emission{Room: "user:u1", Namespace: "/"}, "ab"},
		{Emission{Target: ToAll(), Except: []string{"lobby"}}, ""},
		{Emission{Target: ToUsers("u1", "u2")}, "ab"},
		{Emission{Target: ToClient("b")}, "b"},
		{Emission{Namespace: "/n", Room: "lobby"}, "n"},
		{Emission{Namespace: "/n", Target: ToAll()}, "n"},
		{Emission{Namespace: "/n", Target: ToUser("u1")}, "n"},
		{Emission{Namespace: "/n", Target: ToChannel("lobby"), Except: []string{"n"}}, ""},
		{Emission{Room: "lobby", Volatile: true}, "ab"},
	} {
		c.e.Event, c.e.Args = "x", args
		receipt, err := h.Emit(context.Background(), c.e)
		got := ""
		for name, m := range map[string]*Member{"a": a, "b": b, "n": n} {
			var deliveries [2]Delivery
			if k, _ := m.Pull(deliveries[:]); k == 1 && string(deliveries[0].Message.Args) == "[1]" {
				got += name
			}
		}
		if err != nil || len(got) != len(c.want) || strings.Trim(got, c.want) != "" ||
			receipt.Delivered != len(c.want) || receipt.Stored == c.e.Volatile {
			t.Errorf("%+v: got by %q, want %q; %+v, %v", c.e, got, c.want, receipt, err)
		}
	}
}

func TestEmitRefuses(t *testing.T) {
	t.Parallel()
	h := newHub(t, DefaultOptions())
	long := strings.Repeat("x", 201)
	for _, c := range []struct {
		e     Emission
		field string
	}{
		{Emission{Event: "x"}, "room"},
		{Emission{Event: "x", Room: "r", Target: ToAll()}, "room"},
		{Emission{Event: "x", Room: "*"}, "room"},
		{Emission{Event: "x", Room: long}, "room"},
		{Emission{Event: "x", Room: "\xff"}, "room"},
		{Emission{Event: "x", Target: ToUsers("u", "")}, "target.users[1]"},
		{Emission{Event: "x", Room: "r", Except: []string{"a", ""}}, "except[1]"},
		{Emission{Event: "x", Room: "r", Except: make([]string, 1001)}, "except"},
		{Emission{Event: "", Room: "r"}, "event"},
		{Emission{Event: long, Room: "r"}, "event"},
		{Emission{Event: "disconnect", Room: "r"}, "event"},
		{Emission{Event: "x", Room: "r", Namespace: "n"}, "namespace"},
		{Emission{Event: "x", Room: "r", Namespace: "/a#b"}, "namespace"},
		{Emission{Event: "x", Room: "r", Args: json.RawMessage(`{}`)}, "args"},
	} {
		_, err := h.Emit(context.Background(), c.e)
		var invalid *ValidationError
		if !errors.As(err, &invalid) || invalid.Field != c.field {
			t.Errorf("%+v: got %v, want the field %s", c.e, err, c.field)
		}
	}
	results, err := h.EmitBatch(context.Background(), []Emission{
		{Event: "x", Room: "r"}, {Event: "x"}, {Event: "y", Room: "r", Volatile: true},
	})
	if err != nil || results[0].Err != nil || results[0].Receipt.ID == "" ||
		results[1].Err == nil || results[2].Err != nil || results[2].Receipt.ID != "" {
		t.Errorf("batch: %+v, %v", results, err)
	}
}
