package notify

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// crowd attaches u1 with two tabs (a, b), u2 (c) and an anonymous connection (d), in channels.
func crowd(t testing.TB, h *Hub) map[string]*Member {
	return map[string]*Member{
		"a": attach(t, h, Attachment{ClientID: "a", UserID: "u1",
			Rooms: []string{"orders", "news"}}),
		"b": attach(t, h, Attachment{ClientID: "b", UserID: "u1", Rooms: []string{"orders"}}),
		"c": attach(t, h, Attachment{ClientID: "c", UserID: "u2", Rooms: []string{"news"}}),
		"d": attach(t, h, Attachment{ClientID: "d", Rooms: []string{"orders"}}),
		"n": attach(t, h, Attachment{ClientID: "n", UserID: "u3", Namespace: "/n"}),
	}
}

func TestPublishReachesTheTarget(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		to       Target
		except   []string
		want     string
		delivers string
	}{
		"user": {ToUser("u1"), nil,
			`{"id":"5f3a9c01-1","delivered":2,"users":1,"channels":0,"stored":true}`, "ab"},
		"users": {ToUsers("u1", "u2", "u9"), nil,
			`{"id":"5f3a9c01-1","delivered":3,"users":2,"channels":0,"stored":true}`, "abc"},
		"channel": {ToChannel("orders"), nil,
			`{"id":"5f3a9c01-1","delivered":3,"users":1,"channels":1,"stored":true}`, "abd"},
		"channels": {ToChannels("orders", "news", "empty"), nil,
			`{"id":"5f3a9c01-1","delivered":4,"users":2,"channels":2,"stored":true}`, "abcd"},
		"client": {ToClient("c"), nil,
			`{"id":"5f3a9c01-1","delivered":1,"users":1,"channels":0,"stored":true}`, "c"},
		"all": {ToAll(), nil,
			`{"id":"5f3a9c01-1","delivered":4,"users":2,"channels":0,"stored":true}`, "abcd"},
		"all but two": {ToAll(), []string{"a", "c", "x"},
			`{"id":"5f3a9c01-1","delivered":2,"users":1,"channels":0,"stored":true}`, "bd"},
		"channel but one": {ToChannel("orders"), []string{"d"},
			`{"id":"5f3a9c01-1","delivered":2,"users":1,"channels":1,"stored":true}`, "ab"},
		"nobody": {ToUser("u9"), nil,
			`{"id":"5f3a9c01-1","delivered":0,"users":0,"channels":0,"stored":true}`, ""},
		"namespace": {ToUser("u3"), nil,
			`{"id":"5f3a9c01-1","delivered":0,"users":0,"channels":0,"stored":true}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, Options{})
			members := crowd(t, h)
			receipt, err := h.Publish(t.Context(), Notification{Type: "t", Except: c.except}, c.to)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := json.Marshal(receipt); string(got) != c.want {
				t.Errorf("receipt\n got %s\nwant %s", got, c.want)
			}
			got := ""
			for _, id := range []string{"a", "b", "c", "d", "n"} {
				for range pull(members[id]) {
					got += id
				}
			}
			if got != c.delivers {
				t.Errorf("delivered to %q, want %q", got, c.delivers)
			}
		})
	}
}

func TestVolatileMessageIsNotStored(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	m := attach(t, h, Attachment{ClientID: "a"})
	send(t, h, "1", "*")
	receipt, err := h.Publish(t.Context(),
		Notification{Type: "t", Data: json.RawMessage(`"v"`), Volatile: true}, ToAll())
	got, _ := json.Marshal(receipt)
	if err != nil || string(got) != `{"delivered":1,"users":0,"channels":0,"stored":false}` {
		t.Errorf("receipt %s, %v", got, err)
	}
	send(t, h, "2", "*")
	all := pull(m)
	if shown(all) != "1 ~v 2" || all[1].Message.ID != (ID{0x5f3a9c01, 1}) {
		t.Errorf("pulled %s, volatile at %v", shown(all), all[1].Message.ID)
	}
	expect(t, attach(t, h, Attachment{ClientID: "b", Resume: &Cursor{All: true}}),
		"1 2 recovery(true 2 0>2)")
}

func TestVolatileMessageCausesNoLag(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	m := attach(t, h, Attachment{ClientID: "a"})
	for range inboxSize {
		send(t, h, "x", "*")
	}
	deliver(t, h, &Message{Rooms: []string{"*"}, Type: "t", Volatile: true})
	if m.Lagging() || m.Pending() != inboxSize {
		t.Fatalf("lagging %v, %d pending", m.Lagging(), m.Pending())
	}
	send(t, h, "x", "*") // this one is volatile
	deliver(t, h, &Message{Rooms: []string{"*"}, Type: "t", Volatile: true})
	if !m.Lagging() || m.Pending() != 0 {
		t.Fatalf("lagging %v, %d pending", m.Lagging(), m.Pending())
	}
	if got := pull(m); len(got) != inboxSize+1 {
		t.Fatalf("%d deliveries, want the stored ones", len(got))
	}
}

func TestPublishBatch(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	m := attach(t, h, Attachment{ClientID: "a", UserID: "u"})
	item := func(data string, to Target, volatile bool) Publication {
		return Publication{Notification{Type: "t", Data: json.RawMessage(data), Volatile: volatile},
			to}
	}
	results, err := h.PublishBatch(t.Context(), []Publication{
		item(`"1"`, ToAll(), false), item(`"v"`, ToAll(), true), item(`bad`, ToAll(), false),
		item(`"2"`, ToUser("u"), false),
	})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range results {
		ids = append(ids, r.Receipt.ID)
	}
	if ids[0] != "5f3a9c01-1" || ids[1] != "" || ids[2] != "" || ids[3] != "5f3a9c01-2" {
		t.Errorf("ids %q", ids)
	}
	if results[0].Err != nil || results[1].Err != nil || results[3].Err != nil ||
		results[2].Err == nil ||
		results[2].Err.Error() != "data: not valid JSON at byte 0: got 'b', expected a value" {
		t.Errorf("results %+v", results)
	}
	if results[1].Receipt != (Receipt{Delivered: 1, Users: 1, Targets: 1}) {
		t.Errorf("volatile receipt %+v", results[1].Receipt)
	}
	expect(t, m, "1 2 ~v")
	var invalid *ValidationError
	const tooMany = "batch: has 1001 items, expected at most 1000"
	_, err = h.PublishBatch(t.Context(), make([]Publication, MaxBatch+1))
	if !errors.As(err, &invalid) || err.Error() != tooMany {
		t.Errorf("error %v", err)
	}
	if results, err := h.PublishBatch(t.Context(), nil); len(results) != 0 || err != nil {
		t.Errorf("empty batch: %v, %v", results, err)
	}
}

// brokenLog fails to store.
type brokenLog struct{ *MemoryLog }

var errDisk = errors.New("disk full")

func (brokenLog) Append(context.Context, []*Message) error { return errDisk }

func TestPublishSendsNothingWhenLogIsDown(t *testing.T) {
	t.Parallel()
	h := New(brokenLog{NewMemoryLog()}, DefaultOptions())
	defer h.Close()
	m := attach(t, h, Attachment{ClientID: "a"})
	_, err := h.Publish(t.Context(), Notification{Type: "t"}, ToAll())
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, errDisk) {
		t.Errorf("error %v", err)
	}
	items := []Publication{{Notification{Type: "t", Volatile: true}, ToAll()},
		{Notification{Type: "t"}, ToAll()}}
	if results, err := h.PublishBatch(t.Context(), items); !errors.Is(err, ErrUnavailable) ||
		results != nil {
		t.Errorf("batch: %v, %v", results, err)
	}
	expect(t, m, "")
}

func TestClosedHub(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	h.Close()
	h.Close() // a second Close does nothing
	if _, err := h.Attach(Attachment{ClientID: "a"}); !errors.Is(err, ErrClosed) {
		t.Errorf("attach: %v", err)
	}
	for _, volatile := range []bool{false, true} {
		_, err := h.Publish(t.Context(), Notification{Type: "t", Volatile: volatile}, ToAll())
		if !errors.Is(err, ErrUnavailable) || !errors.Is(err, ErrClosed) {
			t.Errorf("publish, volatile %v: %v", volatile, err)
		}
	}
}

func TestDeliverSetsMissingFields(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		time.Sleep(1234567 * time.Nanosecond)
		m := &Message{Rooms: []string{"*"}, Type: "e", Args: json.RawMessage(`[1]`)}
		deliver(t, h, m)
		if m.ID.String() != "5f3a9c01-1" || m.Namespace != "/" ||
			!m.Timestamp.Equal(time.Date(2000, 1, 1, 0, 0, 0, 1_000_000, time.UTC)) {
			t.Errorf("id %v, namespace %q, time %v", m.ID, m.Namespace, m.Timestamp)
		}
		var invalid *ValidationError
		if _, err := h.Deliver(t.Context(), &Message{Type: "e"}); !errors.As(err, &invalid) {
			t.Errorf("without rooms: %v", err)
		}
		h.Close()
	})
}
