package sse

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// C05 of the fault list: a cursor that means nothing costs no scan of the history. The figure is
// checked in make soak.
func TestBadCursorsAreCheap(t *testing.T) {
	t.Parallel()
	soak := os.Getenv("ROOMCAST_SOAK") != ""
	messages, streams := 1000, 50
	if soak {
		messages, streams = 40_000, 2000
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
	var took []time.Duration
	for i := range streams {
		start := time.Now()
		c := open(t, srv.URL+"/sse", "Last-Event-ID", cursors[i%len(cursors)])
		took = append(took, time.Since(start))
		c.want("gap")
		c.end()
	}
	slices.Sort(took)
	p99 := took[len(took)*99/100]
	t.Logf("%d streams with %d messages in the history: p99 %v", streams, messages, p99)
	if soak && p99 > 5*time.Millisecond {
		t.Error("that is too slow")
	}
}
