package api

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/server/edge"
)

// budget limits the notifications that one API key publishes. The zero value has no limit. Any
// goroutine may call its methods.
type budget struct {
	mu     sync.Mutex    // spend holds it while it reads the clock and the bucket
	bucket *rate.Limiter // in notifications; nil: no limit
}

// set changes the limit and keeps what is spent.
func (b *budget) set(perSecond, burst int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case perSecond <= 0:
		b.bucket = nil
	case b.bucket == nil:
		b.bucket = rate.NewLimiter(rate.Limit(perSecond), max(burst, 1))
	default:
		b.bucket.SetLimit(rate.Limit(perSecond))
		b.bucket.SetBurst(max(burst, 1))
	}
}

// spend takes n notifications from the rate of the key. It takes at most the burst, because a key
// could never send a batch that is larger.
func (b *budget) spend(n int) error {
	if n <= 0 {
		return nil
	}
	// The bucket must get times in order: after a time that goes back it would refill the same
	// interval twice.
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bucket == nil {
		return nil
	}
	now := time.Now()
	taken := b.bucket.ReserveN(now, min(n, b.bucket.Burst()))
	wait := taken.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	taken.CancelAt(now)
	return &edge.Problem{Status: http.StatusTooManyRequests, Code: edge.CodeRateLimited,
		RetryAfter: wait,
		Detail: "more than " + strconv.FormatFloat(float64(b.bucket.Limit()), 'f', -1, 64) +
			" notifications per second with this API key; nothing was sent"}
}
