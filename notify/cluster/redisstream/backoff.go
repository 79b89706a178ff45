package redisstream

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	firstWait = 50 * time.Millisecond
	// maxWait is the longest wait between two attempts, so a node serves again less than 2 s after its
	// server does.
	maxWait = time.Second
)

// backoff is the time before the next attempt to connect. It grows, and its random part keeps the
// nodes of a cluster from coming at once.
type backoff struct{ next time.Duration }

func newBackoff() *backoff { return &backoff{firstWait} }

// sleep waits. It reports false when a context ended first.
func (b *backoff) sleep(contexts ...context.Context) bool {
	timer := time.NewTimer(b.next/2 + rand.N(b.next/2+1))
	defer timer.Stop()
	b.next = min(2*b.next, maxWait)
	var ended [2]<-chan struct{}
	for i, ctx := range contexts {
		ended[i] = ctx.Done()
	}
	select {
	case <-timer.C:
		return true
	case <-ended[0]:
	case <-ended[1]:
	}
	return false
}
