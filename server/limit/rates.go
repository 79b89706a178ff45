package limit

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	MaxRatedAddresses = 10_000 // about 3 MB; the longest unseen address is forgotten first
	RateMemory        = time.Hour
)

// Rates keeps one token bucket per address (IPv6: per /64), for a bounded
// number of addresses. Safe for concurrent use.
type Rates struct {
	limit rate.Limit
	burst int

	mu      sync.Mutex
	Entries map[netip.Addr]*list.Element
	Recent  list.List // of *ipRate, last used first
}

type ipRate struct {
	ip      netip.Addr
	bucket  *rate.Limiter
	used    time.Time
	trusted bool
}

// NewRates allows burst at once and then limit per second, per address.
func NewRates(limit rate.Limit, burst int) *Rates {
	return &Rates{limit: limit, burst: burst, Entries: map[netip.Addr]*list.Element{}}
}

// Allow takes one token. When there is none it says how long until there is.
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

// Exhausted reports, without taking a token, whether the address is out of them
// and how long until the next. trusted is what trust noted.
func (r *Rates) Exhausted(ip netip.Addr) (out, trusted bool, retryAfter time.Duration) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	el, known := r.Entries[ipBucket(ip)]
	if !known {
		return false, false, 0
	}
	e := el.Value.(*ipRate)
	if e.bucket.TokensAt(now) >= 1 {
		return false, e.trusted, 0
	}
	return true, e.trusted, r.wait(e, now)
}

// Trust notes that good requests come from an address too.
func (r *Rates) Trust(ip netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.touch(ip, time.Now()).trusted = true
}

// touch finds or makes the entry of an address, as the most recent one. It is
// called with the lock held, and it is where old entries end: no goroutine.
func (r *Rates) touch(ip netip.Addr, now time.Time) *ipRate {
	ip = ipBucket(ip)
	el, ok := r.Entries[ip]
	if ok {
		r.Recent.MoveToFront(el)
	} else {
		el = r.Recent.PushFront(&ipRate{ip: ip, bucket: rate.NewLimiter(r.limit, r.burst)})
		r.Entries[ip] = el
	}
	e := el.Value.(*ipRate)
	e.used = now
	for range 2 { // more than come in, so that a full table shrinks
		last := r.Recent.Back()
		old := last.Value.(*ipRate)
		if last == el || len(r.Entries) <= MaxRatedAddresses && now.Sub(old.used) < RateMemory {
			break
		}
		r.Recent.Remove(last)
		delete(r.Entries, old.ip)
	}
	return e
}

func (r *Rates) wait(e *ipRate, now time.Time) time.Duration {
	missing := 1 - e.bucket.TokensAt(now)
	return time.Duration(missing / float64(r.limit) * float64(time.Second))
}

// ipBucket is the unit limits count in: an IPv4 address, or the /64 of an IPv6
// one, because a single subscriber owns a whole /64.
func ipBucket(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return ip
}
