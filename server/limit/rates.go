package limit

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	maxAddresses  = 10_000    // about 3 MB; the least recently used one is removed first
	addressMemory = time.Hour // after the last use of an address
)

// Rates keeps a token bucket for each address (IPv6: each /64), for a bounded number of addresses.
// It is safe for concurrent use.
type Rates struct {
	limit rate.Limit
	burst int

	mu      sync.Mutex
	entries map[netip.Addr]*list.Element
	recent  list.List // of *ipRate, last used first
}

type ipRate struct {
	ip     netip.Addr
	bucket *rate.Limiter
	used   time.Time
}

// NewRates returns rates that allow burst requests at once and then limit per second, for each
// address.
func NewRates(limit rate.Limit, burst int) *Rates {
	return &Rates{limit: limit, burst: burst, entries: map[netip.Addr]*list.Element{}}
}

// MaxKeyFailures is how many wrong keys per minute an address may send.
const MaxKeyFailures = 10

// KeyFailures returns rates for the wrong keys of backends and operators.
func KeyFailures() *Rates {
	return NewRates(rate.Every(time.Minute/MaxKeyFailures), MaxKeyFailures)
}

// Allow takes a token. Without one it returns the time until the next.
func (r *Rates) Allow(ip netip.Addr) (ok bool, retryAfter time.Duration) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.touch(ip, now)
	if e.bucket.AllowN(now, 1) {
		return true, 0
	}
	return false, r.wait(e, now)
}

// Wait returns the time until Allow has a token, 0 if it has one. It takes none.
func (r *Rates) Wait(ip netip.Addr) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	el, ok := r.entries[Bucket(ip)]
	if !ok {
		return 0
	}
	return max(0, r.wait(el.Value.(*ipRate), time.Now()))
}

// touch returns the entry of an address and makes it the most recent one. It also removes old
// entries, which saves a goroutine. The caller holds the lock.
func (r *Rates) touch(ip netip.Addr, now time.Time) *ipRate {
	ip = Bucket(ip)
	el, ok := r.entries[ip]
	if ok {
		r.recent.MoveToFront(el)
	} else {
		el = r.recent.PushFront(&ipRate{ip: ip, bucket: rate.NewLimiter(r.limit, r.burst)})
		r.entries[ip] = el
	}
	e := el.Value.(*ipRate)
	e.used = now
	for range 2 { // more than one, so that a full table shrinks
		last := r.recent.Back()
		old := last.Value.(*ipRate)
		if last == el || len(r.entries) <= maxAddresses && now.Sub(old.used) < addressMemory {
			break
		}
		r.recent.Remove(last)
		delete(r.entries, old.ip)
	}
	return e
}

func (r *Rates) wait(e *ipRate, now time.Time) time.Duration {
	missing := 1 - e.bucket.TokensAt(now)
	return time.Duration(missing / float64(r.limit) * float64(time.Second))
}
