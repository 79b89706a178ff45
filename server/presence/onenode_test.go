package presence

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// led is a Presence that leads when the test says so.
type led struct {
	notify.Presence
	lead func(leads bool, since time.Time)
}

func (l *led) WatchLead(f func(leads bool, since time.Time)) {
	l.lead = f
	f(false, time.Time{})
}

func (*led) Ready() <-chan struct{} { return nil }
func (*led) Resign(context.Context) {}

// A node that begins to lead passes on what it has kept since a time, in order, and then what comes. It
// keeps the newest changes of 20 seconds.
func TestOneNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &led{}
		o := notify.DefaultOptions()
		o.Presence = l
		hub := notify.New(notify.NewMemoryLog(), o)
		defer hub.Close()
		var told []string
		changed := OneNode(hub, func(c Change) { told = append(told, c.Key) })
		expect := func(want string) {
			t.Helper()
			if got := strings.Join(told, " "); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			told = nil
		}
		change := func(key string) {
			changed(Change{Key: key})
			time.Sleep(time.Second)
		}
		start := time.Now()
		change("a")
		change("b")
		change("c")
		expect("")
		l.lead(true, start.Add(time.Second))
		expect("b c")
		change("d")
		expect("d")
		l.lead(false, time.Now())
		change("e")
		time.Sleep(keepTime)
		change("f")
		l.lead(true, start)
		expect("f")
		l.lead(false, time.Now())
		for i := range maxKept + 2 {
			changed(Change{Key: fmt.Sprint(i)})
		}
		l.lead(true, start)
		if len(told) != maxKept || told[0] != "2" {
			t.Errorf("%d changes from %s on", len(told), told[0])
		}
	})
}
