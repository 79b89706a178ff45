package disklog

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// A store with a million messages opens in a second. The short form has fewer and checks no time.
func TestOpenMany(t *testing.T) {
	t.Parallel()
	n, soak := 5000, os.Getenv("ROOMCAST_SOAK") != ""
	if soak {
		n = 1_000_000
	}
	dir := t.TempDir()
	s := open(t, dir, func(o *Options) { o.SyncInterval = 100 * time.Millisecond })
	follow(s.Log())
	data := []byte(`"` + strings.Repeat("1", 400) + `"`)
	for i := 0; i < n; i += 250 {
		batch := make([]*notify.Message, 250)
		for j := range batch {
			batch[j] = message(0, "room-"+string(rune('a'+i/250%26)))
			batch[j].Data = data
		}
		if err := s.Log().Append(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, s)
	best := time.Hour
	for range 3 {
		start := time.Now()
		s = open(t, dir, nil)
		best = min(best, time.Since(start))
		first := follow(s.Log())
		if s.Log().Head().Seq != uint64(n) || len(first.Messages) == 0 {
			t.Errorf("head %v, %d delivered", s.Log().Head(), len(first.Messages))
		}
		closed(t, s)
	}
	t.Logf("%d messages open in %v", n, best)
	if soak && best > time.Second {
		t.Errorf("%d messages open in %v, want at most 1s", n, best)
	}
}
