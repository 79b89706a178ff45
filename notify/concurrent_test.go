package notify

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// Counters and lookups are right while members and messages come and go concurrently.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{HistorySize: 10, SessionTTL: 1})
	var stop atomic.Bool
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			for n := 0; !stop.Load(); n++ {
				id := fmt.Sprint(i, "-", n%3)
				m, err := h.Attach(Attachment{ClientID: id, UserID: fmt.Sprint("u", n%2),
					Sessions: []string{id}, Resume: at(uint64(n))})
				if err != nil {
					t.Error(err)
					return
				}
				h.JoinChannels(m, []string{"x", "y"}, nil, 2)
				m.SetTransport("sse")
				h.LeaveChannels(m, []string{"x"})
				pull(m)
				m.Detach()
			}
		})
	}
	wg.Go(func() {
		for range 300 {
			to := ToChannels("x", "y")
			if _, err := h.Publish(context.Background(), Notification{Type: "t"}, to); err != nil {
				t.Error(err)
			}
			h.Match([]string{"x", "y"}, []string{"user:u1"})
			for _, m := range h.Members() {
				m.Cursor()
				m.Transport()
			}
			a := Attachment{ClientID: "new", Rooms: []string{"x", "q"}, Resume: at(3),
				Former: &Former{ClientID: "former"}}
			if m, err := h.Attach(a); err == nil {
				m.Detach()
			}
			h.Sweep(h.o.Now())
		}
		stop.Store(true)
	})
	wg.Wait()
	s := h.Stats()
	if s.Total+s.ActiveUsers+s.Members+s.Channels+s.Lagging != 0 || s.Published != 300 ||
		s.History > 10 {
		t.Errorf("stats %+v", s)
	}
}
