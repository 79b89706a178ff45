package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// calls is a Tracer that writes down its calls, and adds a member to the metadata.
type calls struct {
	mu  sync.Mutex
	all []string
}

func (c *calls) add(call ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, fmt.Sprint(call...))
}

func (c *calls) Publish(ctx context.Context, messages []*Message) (
	context.Context, func(int, error),
) {
	c.add("publish ", len(messages))
	for _, m := range messages {
		if m.Metadata == nil {
			m.Metadata = json.RawMessage(`{"trace":1}`)
		}
		m.Trace = c
	}
	return ctx, func(delivered int, err error) {
		c.add("published to ", delivered, " ", err)
	}
}

func (c *calls) Append(context.Context) func(error) {
	c.add("append")
	return func(err error) { c.add("appended ", err) }
}

func (c *calls) Arrive(m *Message) { c.add("arrive ", m.Type) }

func (c *calls) Follows(*Member) bool { return true }
func (c *calls) Written(string)       {}

func (c *calls) expect(t *testing.T, what, want string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if got := strings.Join(c.all, "; "); got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
	c.all = nil
}

// Each publish is traced once, before it is stored, with its result.
func TestTracer(t *testing.T) {
	t.Parallel()
	c := &calls{}
	h := newHub(t, Options{Tracer: c})
	a := attach(t, h, Attachment{ClientID: "a", UserID: "u"})
	n := Notification{Type: "t"}
	if _, err := h.Publish(t.Context(), n, ToUser("u")); err != nil {
		t.Fatal(err)
	}
	c.expect(t, "publish", "publish 1; append; appended <nil>; published to 1 <nil>")
	n.Volatile = true
	if _, err := h.Publish(t.Context(), n, ToUser("u")); err != nil {
		t.Fatal(err)
	}
	c.expect(t, "volatile", "publish 1; published to 1 <nil>")
	if _, err := h.Emit(t.Context(), Emission{Event: "e", Target: ToAll()}); err != nil {
		t.Fatal(err)
	}
	c.expect(t, "emit", "publish 1; append; appended <nil>; published to 1 <nil>")
	for _, d := range pull(a) {
		if d.Message.Trace != Trace(c) || string(d.Message.Metadata) != `{"trace":1}` {
			t.Errorf("message %+v", d.Message)
		}
	}
	stored := Notification{Type: "t"}
	items := []Publication{{stored, ToUser("u")}, {stored, Target{}}, {n, ToUser("u")},
		{Notification{Type: "t", Retain: true}, ToAll()}, {stored, ToUser("nobody")}}
	results, err := h.PublishBatch(t.Context(), items)
	if err != nil || results[1].Err == nil || results[3].Err == nil || results[4].Err != nil {
		t.Fatal(results, err)
	}
	c.expect(t, "batch", "publish 3; append; appended <nil>; published to 2 <nil>")
	if err := h.DeliverBatch(t.Context(), []*Message{{Namespace: "/", Rooms: []string{"*"}, Type: "e",
		Args: json.RawMessage(`[]`)}}); err != nil {
		t.Fatal(err)
	}
	c.expect(t, "messages", "publish 1; append; appended <nil>; published to 1 <nil>")
	h.Drain()
	if _, err := h.Publish(t.Context(), stored, ToAll()); !errors.Is(err, ErrDraining) {
		t.Error(err)
	}
	c.expect(t, "drain", "publish 1; published to 0 "+ErrDraining.Error())
}

// A retained notification has what the Tracer adds. One that the limits refuse leaves the places of the
// others in a batch.
func TestTracerOfRetained(t *testing.T) {
	t.Parallel()
	c := &calls{}
	h := newHub(t, Options{Tracer: c, RetainedSize: 1})
	retain := func(kind string) Publication {
		return Publication{Notification{Type: kind, Retain: true}, ToUser("u")}
	}
	results, err := h.PublishBatch(t.Context(), []Publication{
		retain("a"), retain("b"), {Notification{Type: "t"}, ToUser("u")},
	})
	var full *RetainError
	if err != nil || results[0].Err != nil || !errors.As(results[1].Err, &full) ||
		results[0].Receipt.ID != "5f3a9c01-1" || results[2].Receipt.ID != "5f3a9c01-2" {
		t.Errorf("results %+v, %v", results, err)
	}
	c.expect(t, "batch", "publish 3; append; appended <nil>; published to 0 <nil>")
	var got []string
	for _, m := range h.Retained(ToUser("u")) {
		got = append(got, string(m.Metadata))
	}
	if !slices.Equal(got, []string{`{"trace":1,"retained":true}`}) {
		t.Errorf("retained %s", got)
	}
}

// Only messages of other nodes arrive.
func TestTracerOfAnotherNode(t *testing.T) {
	t.Parallel()
	stream := NewStream()
	c := &calls{}
	here := New(stream.Open(), defaulted(Options{Tracer: c}))
	there := New(stream.Open(), defaulted(Options{}))
	t.Cleanup(here.Close)
	t.Cleanup(there.Close)
	for _, h := range []*Hub{here, there} {
		if _, err := h.Publish(t.Context(), Notification{Type: "t"}, ToAll()); err != nil {
			t.Fatal(err)
		}
	}
	if err := here.log.Wait(t.Context(), there.Head()); err != nil {
		t.Fatal(err)
	}
	c.expect(t, "both", "publish 1; append; appended <nil>; published to 0 <nil>; arrive t")
}
