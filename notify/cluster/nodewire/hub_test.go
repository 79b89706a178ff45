package nodewire

import (
	"slices"
	"testing"

	"github.com/roomcast/roomcast/notify"
)

// Members of a Hub get of Node's entries what the clients of Node's two servers got of them, with
// the same client ids and rooms.
func TestHubDeliversEntriesOfNode(t *testing.T) {
	t.Parallel()
	hub := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	defer hub.Close()
	want := map[string][]string{
		"MovijANR-NK8h5IBAAAA": {
			`hello[1,"two",{"a":null}]`, `bin["AQID",{"deep":"/w=="}]`, `direct["x"]`, `vol[1]`, `cmp[1]`,
		},
		"nXp912cQfGLgd-b2AAAC": {
			`hello[1,"two",{"a":null}]`, `room[{"x":1}]`, `bin["AQID",{"deep":"/w=="}]`, `direct2["y"]`,
			`bc[1]`, `vol[1]`, `cmp[1]`,
		},
	}
	members := map[string]*notify.Member{}
	for id := range want {
		m, err := hub.Attach(notify.Attachment{ClientID: id, Transport: "websocket", Rooms: []string{"R"}})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Detach()
		members[id] = m
	}
	for _, r := range recordings(t, "streams-0.3.1") {
		if r.Fields == nil || r.Call == "emit missed by B client" {
			continue
		}
		e, err := Decode(r.fields())
		if err != nil {
			t.Fatal(err)
		}
		id, err := StreamID(r.ID)
		if err != nil {
			t.Fatal(err)
		}
		m, err := e.Message(id, someAt)
		if err != nil {
			continue // joins and others
		}
		if _, err := hub.Deliver(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range want {
		var got []string
		deliveries := make([]notify.Delivery, 4)
		for n, more := 0, true; more; {
			n, more = members[id].Pull(deliveries)
			for _, d := range deliveries[:n] {
				got = append(got, d.Message.Type+string(d.Message.Args))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\n got %q\nwant %q", id, got, want)
		}
	}
}
