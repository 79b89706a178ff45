package redisstream

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/server/servertest"
)

// A change of rooms takes effect between the messages before and after it, in one page of the tail
// and in several.
func TestChangesHaveTheirPlace(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	writer := openLog(t, dial(t, options(s.URL())), nil)
	readFrom(t, writer)
	l := newLog(t, c, nil)
	var r *reader
	type change struct {
		rooms  []string
		before []string
	}
	var changes []change
	done := make(chan struct{})
	l.Calls().Receive(func(e *nodewire.Entry) {
		if e.Type == nodewire.TypeClose {
			close(done)
			return
		}
		changes = append(changes, change{e.Rooms, r.texts()})
	})
	r = readFrom(t, l)
	servertest.Receive(t, l.Ready())
	entry := func(kind nodewire.Type, rooms ...string) {
		t.Helper()
		e := &nodewire.Entry{Type: kind, UID: writer.UID(), Namespace: "/", Rooms: rooms}
		if err := writer.Calls().Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	var all []string
	for _, name := range []string{"a", "b", "c", "d"} {
		add(t, writer, name)
		all = append(all, `"`+name+`"`)
		entry(nodewire.TypeJoin, name)
	}
	entry(nodewire.TypeHello)
	entry(nodewire.TypeClose)
	servertest.Receive(t, done)
	if len(changes) != 5 { // the Hello has no place, and comes as well
		t.Fatalf("%d changes", len(changes))
	}
	for i, name := range []string{"a", "b", "c", "d"} {
		if got := changes[i]; !slices.Equal(got.rooms, []string{name}) || !slices.Equal(got.before, all[:i+1]) {
			t.Errorf("change of %q after %q, want %q after %q", got.rooms, got.before, name, all[:i+1])
		}
	}
}

// A request for acknowledgements is a call, and never a message: a client that comes back later must
// not get it.
func TestRequestsAreNoMessages(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	l := newLog(t, c, nil)
	calls := make(chan *nodewire.Entry, 10)
	l.Calls().Receive(func(e *nodewire.Entry) { calls <- e })
	r := readFrom(t, l)
	servertest.Receive(t, l.Ready())
	const ask = `{"packet":{"type":2,"data":["ask",5]},"requestId":"f01b","opts":{"rooms":[],"except":[],"flags":{"timeout":1000}}}`
	s.Do(t, "XADD", "socket.io", "*", "uid", "e46acfb631d8d531", "nsp", "/", "type", "3", "data", ask)
	e := servertest.Receive(t, calls)
	if e.RequestID != "f01b" || string(e.Packet.JSON) != `["ask",5]` {
		t.Errorf("entry %+v", e)
	}
	add(t, l, "x")
	r.awaitText(t, "x")
	if texts := r.texts(); !slices.Equal(texts, []string{`"x"`}) {
		t.Errorf("messages %q", texts)
	}
	own := &nodewire.Entry{Type: nodewire.TypeHello, UID: l.UID(), Namespace: "/"}
	if err := l.Calls().Append(t.Context(), own, own); err != nil {
		t.Fatal(err)
	}
	add(t, l, "y")
	r.awaitText(t, "y")
	if len(calls) > 0 {
		t.Errorf("got its own entry %+v", <-calls)
	}
	// The history has only messages.
	again := newLog(t, dial(t, options(s.URL())), nil)
	again.Calls().Receive(func(e *nodewire.Entry) { t.Errorf("the history has %+v", e) })
	late := readFrom(t, again)
	late.awaitText(t, "y")
	if texts := late.texts(); !slices.Equal(texts, []string{`"x"`, `"y"`}) {
		t.Errorf("history %q", texts)
	}

	var refused *notify.ValidationError
	if err := l.Calls().Append(t.Context(), &nodewire.Entry{Type: nodewire.TypeAck}); !errors.As(err, &refused) {
		t.Errorf("error %v", err)
	}
	s.Kill()
	if err := l.Calls().Append(context.Background(), own); !errors.Is(err, notify.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}
