package sockets

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestSpread(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n          int
		span, want time.Duration // want: the time of the last call
	}{
		{0, time.Hour, 0},
		{1, time.Hour, 0},
		{4, 20 * time.Second, 15 * time.Second},
		{100, 20 * time.Second, 19800 * time.Millisecond},
		{100_000, 20 * time.Second, 19990 * time.Millisecond},
		{1000, 0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			start, calls, last := time.Now(), 0, time.Duration(0)
			Spread(t.Context(), c.n, c.span, nil, func(i int) {
				if i != calls {
					t.Errorf("call %d is for %d", calls, i)
				}
				calls, last = calls+1, time.Since(start)
				// No call comes earlier than its share of the span, or later than a tick after it.
				due := time.Duration(float64(c.span) * float64(i) / float64(c.n))
				if early := due - last; early >= spreadTick || early < -spreadTick {
					t.Errorf("call %d of %d came after %v, want %v", i, c.n, last, due)
				}
			})
			if calls != c.n || last.Round(spreadTick) != c.want {
				t.Errorf("%d calls, the last after %v, want %d and %v", calls, last, c.n, c.want)
			}
		})
	}
}

// After the end of the context the other calls come at once, and without connections none does.
func TestSpreadEndsEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start, calls := time.Now(), 0
		Spread(ctx, 100, time.Hour, nil, func(int) { calls++ })
		if took := time.Since(start); calls != 100 || took != time.Second {
			t.Errorf("a context: %d calls in %v", calls, took)
		}
		over := make(chan struct{})
		time.AfterFunc(30*time.Second, func() { close(over) })
		start, calls = time.Now(), 0
		Spread(t.Context(), 60, time.Hour, over, func(int) { calls++ })
		if took := time.Since(start); calls != 1 || took != 30*time.Second {
			t.Errorf("no connections: %d calls in %v", calls, took)
		}
	})
}
