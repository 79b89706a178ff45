package notify

import (
	"context"
	"slices"
	"strings"
	"testing"
)

// relayOf notes what a Hub sends to other nodes.
type relayOf struct {
	sent    []*Message
	deliver func(*Message)
}

func (r *relayOf) Send(m *Message)                { r.sent = append(r.sent, m) }
func (r *relayOf) Receive(deliver func(*Message)) { r.deliver = deliver }

func (r *relayOf) types() (types []string) {
	for _, m := range r.sent {
		types = append(types, m.Type)
	}
	return types
}

func relayHub(t *testing.T, others map[string]int) (*Hub, *relayOf) {
	t.Helper()
	r := &relayOf{}
	o := DefaultOptions()
	o.Relay = r
	if others != nil {
		o.Presence = &fixed{map[string]int{}, others, map[string]string{}}
	}
	h := New(NewMemoryLog(), o)
	t.Cleanup(h.Close)
	return h, r
}

// Other nodes get the volatile messages of every call, and no others.
func TestRelayedMessages(t *testing.T) {
	t.Parallel()
	h, r := relayHub(t, nil)
	attach(t, h, Attachment{ClientID: "1", UserID: "u"})
	ctx := context.Background()
	publish := func(name string, to Target, options ...Option) {
		t.Helper()
		if _, err := h.Publish(ctx, Notification{Type: name}, to, options...); err != nil {
			t.Fatal(err)
		}
	}
	publish("all", ToAll(), Volatile())
	publish("stored", ToAll())
	publish("here", ToClient("1"), Volatile()) // the client has no other connection
	publish("elsewhere", ToClient("2"), Volatile())
	publish("user", ToUser("u"), Volatile())
	if _, err := h.Publish(ctx, Notification{Type: "local", Volatile: true, Local: true}, ToAll()); err != nil {
		t.Fatal(err)
	}
	_, err := h.PublishBatch(ctx, []Publication{
		{Notification{Type: "of a batch", Volatile: true}, ToAll()},
		{Notification{Type: "stored"}, ToAll()},
		{Notification{Type: "local", Volatile: true, Local: true}, ToAll()},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Emit(ctx, Emission{Room: "r", Event: "emit", Volatile: true}); err != nil {
		t.Fatal(err)
	}
	const far = "Zk3vX0bq5tQyVfR2AAAB" // the id of a client of another node
	if _, err := h.Emit(ctx, Emission{Room: far, Event: "far", Volatile: true}); err != nil {
		t.Fatal(err)
	}
	if last := r.sent[len(r.sent)-1]; !slices.Equal(last.Rooms, []string{"client:" + far}) {
		t.Errorf("sent to %q", last.Rooms)
	}
	h.Drain()
	if _, err := h.Publish(ctx, Notification{Type: "late"}, ToAll(), Volatile()); err == nil {
		t.Error("accepted while draining")
	}
	want := []string{"all", "elsewhere", "user", "of a batch", "emit", "far"}
	if got := r.types(); !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
	if r.sent[0].Timestamp.IsZero() {
		t.Error("sent before it had a time")
	}
}

// A message of another node is delivered to members that keep up, with their cursor, and leaves no
// trace: it is neither kept, nor counted as a publish, nor sent again.
func TestMessagesOfTheRelay(t *testing.T) {
	t.Parallel()
	h, r := relayHub(t, nil)
	m := attach(t, h, Attachment{ClientID: "1", Rooms: []string{"c"}})
	other := attach(t, h, Attachment{ClientID: "2"})
	if _, err := h.Publish(context.Background(), Notification{Type: "stored"}, ToChannel("c")); err != nil {
		t.Fatal(err)
	}
	head, before := h.Head(), h.Stats()
	r.deliver(&Message{Namespace: "/", Rooms: []string{"c"}, Type: "far", Volatile: true, Retain: true})
	r.deliver(&Message{Namespace: "/", Rooms: []string{"c"}, Type: "not volatile"})
	buf := make([]Delivery, 8)
	n, _ := m.Pull(buf)
	if n != 2 || buf[1].Message.Type != "far" || buf[1].Message.ID != head {
		t.Fatalf("%d deliveries, the last %+v", n, buf[1].Message)
	}
	if text := string(buf[1].Message.AppendJSON(nil)); strings.Contains(text, `"id"`) {
		t.Errorf("object %s", text)
	}
	if n, _ := other.Pull(buf); n != 0 {
		t.Error("the client of another room got it")
	}
	after := h.Stats()
	if h.Head() != head || after.History != before.History || after.Retained != 0 ||
		after.Published != before.Published || after.Delivered != before.Delivered+1 {
		t.Errorf("stats %+v, before %+v", after, before)
	}
	if len(r.sent) != 0 {
		t.Errorf("sent again: %q", r.types())
	}
	h.Close()
	r.deliver(&Message{Namespace: "/", Rooms: []string{"c"}, Type: "late", Volatile: true})
}

// The receipt of a volatile message counts other nodes if they get it.
func TestReceiptsOfRelayedMessages(t *testing.T) {
	t.Parallel()
	h, _ := relayHub(t, map[string]int{"c:c": 3})
	for local, want := range map[bool]int{false: 3, true: 0} {
		n := Notification{Type: "t", Volatile: true, Local: local}
		got, err := h.Publish(context.Background(), n, ToChannel("c"))
		if err != nil || got.Delivered != want || got.Stored || got.ID != "" {
			t.Errorf("local %v: %+v %v, want %d", local, got, err, want)
		}
	}
}
