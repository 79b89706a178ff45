package redisstream

import (
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/server/servertest"
)

// Wait returns for an entry when what it says is done: a deletion, or a change of rooms.
func TestWaitIsForWhatEntriesDo(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	l := openLog(t, c, nil)
	done := make(chan string, 10)
	note := func(what string) { // called by the tail
		l.mu.Lock()
		defer l.mu.Unlock()
		if at := l.tail.at.id.position(); l.read.Seq >= at.Seq {
			t.Errorf("%s: Wait has returned for %v, which is not delivered", what, at)
		}
		done <- what
	}
	l.Calls().Receive(func(*nodewire.Entry) { note("change") })
	l.Follow(func(b notify.Batch) func() {
		if b.Deleted != nil {
			note("deletion")
		}
		return nil
	})
	servertest.Receive(t, l.Ready())
	m := message("x")
	m.Retain, m.Rooms = true, []string{"c"}
	if err := l.Append(t.Context(), []*notify.Message{m}); err != nil {
		t.Fatal(err)
	}
	if n, err := l.DeleteRetained(t.Context(), []notify.RetainedID{{Room: "c", Type: "t", ID: m.ID}}); n != 1 ||
		err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
	if len(done) != 1 {
		t.Error("DeleteRetained has returned before the deletion is delivered")
	}
	other := openLog(t, c, nil)
	readFrom(t, other)
	e := &nodewire.Entry{Type: nodewire.TypeJoin, UID: other.UID(), Namespace: "/", Rooms: []string{"r"}}
	if err := other.Calls().Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"deletion", "change"} {
		if got := servertest.Receive(t, done); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
