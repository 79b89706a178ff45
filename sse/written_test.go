package sse

import (
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

func TestWrittenMeasuresLiveNotificationsOnly(t *testing.T) {
	bothWays(t, testWrittenMeasuresLiveNotificationsOnly)
}

func testWrittenMeasuresLiveNotificationsOnly(t *testing.T, w way) {
	type write struct {
		bytes int
		since time.Time
	}
	writes := make(chan write, 100)
	r := newRig(t, Options{Written: func(bytes int, since time.Time) {
		writes <- write{bytes, since}
	}})
	url := r.serve(t, w).URL
	r.publish(t, notify.Notification{Type: "old"}, notify.ToAll())
	next := func() write {
		t.Helper()
		select {
		case w := <-writes:
			return w
		case <-time.After(30 * time.Second):
			t.Fatal("nothing was written")
			return write{}
		}
	}

	c := open(t, url+"/sse?since=0")
	c.want("old")
	c.want("recovery")
	if w := next(); w.bytes < 100 || !w.since.IsZero() {
		t.Errorf("Written got connected and the replay as %+v", w)
	}
	before := time.Now()
	m := &notify.Message{Rooms: []string{"*"}, Type: "new"}
	r.emit(t, m)
	c.want("new")
	if w := next(); w.since != m.Accepted() || w.since.Before(before) || w.bytes < 50 {
		t.Errorf("Written got the message as %+v, accepted %v", w, m.Accepted())
	}
	if s := r.hub.Member("/", c.hello.ClientID).Owner().(*stream); s.LastActive().Before(before) {
		t.Errorf("last active at %v, want after %v", s.LastActive(), before)
	}
}
