package sockets

import (
	"context"
	"time"
)

// spreadTick is the shortest pause of Spread: with more calls per second than that it makes several
// at once.
const spreadTick = 10 * time.Millisecond

// Spread calls f for 0 to n-1, evenly over span. A server closes its connections with it, so that
// their clients do not all connect elsewhere at the same time. When ctx is done, Spread makes the
// other calls at once; when over is closed, which means that no connection is left, it makes none.
func Spread(ctx context.Context, n int, span time.Duration, over <-chan struct{}, f func(i int)) {
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := range n {
		due := time.Duration(float64(span) * float64(i) / float64(n))
		if wait := due - time.Since(start); wait >= spreadTick {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				span = 0
			case <-over:
				return
			}
		}
		f(i)
	}
}
