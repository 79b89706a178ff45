package notify

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest/clock"
)

// N10: somebody sets the clock of the machine, forwards and backwards. The order of ids stays, the
// history neither loses nor keeps anything because of it, and a client resumes without a gap.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	var offset atomic.Int64
	h := newHub(t, Options{HistoryTTL: 10 * time.Minute, SessionTTL: 10 * time.Minute,
		Now: func() time.Time { return clock.Jump(time.Now(), time.Duration(offset.Load())) }})
	var cursor Cursor
	var want []string
	for i, d := range []time.Duration{0, time.Hour, -time.Hour} {
		offset.Store(int64(d))
		h.Sweep(h.o.Now())
		id := deliver(t, h, &Message{Rooms: []string{"c"}, Type: "t", Data: []byte("1"),
			TTL: 30 * time.Minute}).ID
		if i == 0 {
			cursor = ParseCursor(id)
			continue
		}
		want = append(want, id)
	}
	for _, d := range []time.Duration{-time.Hour, 0, time.Hour} {
		offset.Store(int64(d))
		h.Sweep(h.o.Now())
		m := attach(t, h, Attachment{ClientID: "a", UserID: "u", Rooms: []string{"c"},
			Resume: &cursor})
		var got []string
		for _, delivery := range pull(m) {
			if delivery.Gap != nil {
				t.Errorf("after a jump of %v there is a gap: %+v", d, *delivery.Gap)
			}
			if delivery.Message != nil {
				got = append(got, delivery.Message.ID.String())
			}
		}
		if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
			t.Errorf("after a jump of %v the client got %v, want %v", d, got, want)
		}
		m.Detach()
	}
}
