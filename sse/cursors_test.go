package sse

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// C05 of the fault list: a cursor that means nothing costs no scan of the history. The figure is
// checked in make soak.
func TestBadCursorsAreCheap(t *testing.T) {
	t.Parallel()
	soak := servertest.Soaking()
	messages, streams := 1000, 50
	if soak {
		messages, streams = 40_000, 400
	}
	r := newRig(t, Options{})
	srv := r.serve(t, taken)
	var head string
	for range messages {
		head = r.publish(t, notify.Notification{Type: "t"}, notify.ToUser("someone"))
	}
	cursors := []string{
		strings.Repeat("9", 8<<10), "-1", "\xff\xfe", "00000001-5", head[:9] + "9999999999999999",
		"null", "0-0", head[:9] + "01",
	}
	var bad, none []time.Duration
	for i := range streams {
		start := time.Now()
		plain := open(t, srv.URL+"/sse")
		none = append(none, time.Since(start))
		plain.end()
		start = time.Now()
		c := open(t, srv.URL+"/sse", "Last-Event-ID", cursors[i%len(cursors)])
		bad = append(bad, time.Since(start))
		c.want("gap")
		c.end()
	}
	p99 := func(took []time.Duration) time.Duration {
		slices.Sort(took)
		return took[len(took)*99/100]
	}
	t.Logf("%d streams with %d messages in the history: p99 %v, without a cursor %v", streams,
		messages, p99(bad), p99(none))
	// On a busy machine a stream without a cursor takes longer, too.
	if soak && p99(bad) > max(5*time.Millisecond, 2*p99(none)) {
		t.Error("that is too slow")
	}
}
