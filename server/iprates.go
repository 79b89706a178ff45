package server

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	maxRatedAddresses = 10_000 // about 3 MB; the longest unseen address is forgotten first
	rateMemory        = time.Hour
)

// ipRates keeps one token bucket per address (IPv6: per /64), for a bounded
// number of addresses. Safe for concurrent use.
type ipRates struct {
	limit rate.Limit
	burst int

	mu      sync.Mutex
	entries map[netip.Addr]*list.Element
	recent  list.List // of *ipRate, last used first
}

type ipRate struct {
	ip      netip.Addr
	bucket  *rate.Limiter
	used    time.Time
	trusted bool
}

// newIPRates allows burst at once and then limit per second, per address.
func newIPRates(limit rate.Limit, burst int) *ipRates {
	return &ipRates{limit: limit, burst: burst, entries: map[netip.Addr]*list.Element{}}
}

// allow takes one token. When there is none it says how long until there is.
func (r *ipRates) allow(ip netip.Addr) (ok bool, retryAfter time.Duration) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.touch(ip, now)
	if e.bucket.AllowN(now, 1) {
		return true, 0
	}
	return false, r.wait(e, now)
}

// exhausted reports, without taking a token, whether the address is out of them
// and how long until the next. trusted is what trust noted.
func (r *ipRates) exhausted(ip netip.Addr) (out, trusted bool, retryAfter time.Duration) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	el, known := r.entries[ipBucket(ip)]
	if !known {
		return false, false, 0
	}
	e := el.Value.(*ipRate)
	if e.bucket.TokensAt(now) >= 1 {
		return false, e.trusted, 0
	}
	return true, e.trusted, r.wait(e, now)
}

// trust notes that good requests come from an address too.
func (r *ipRates) trust(ip netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.touch(ip, time.Now()).trusted = true
}

// touch finds or makes the entry of an address, as the most recent one. It is
// called with the lock held, and it is where old entries end: no goroutine.
func (r *ipRates) touch(ip netip.Addr, now time.Time) *ipRate {
	ip = ipBucket(ip)
	el, ok := r.entries[ip]
	if ok {
		r.recent.MoveToFront(el)
	} else {
		el = r.recent.PushFront(&ipRate{ip: ip, bucket: rate.NewLimiter(r.limit, r.burst)})
		r.entries[ip] = el
	}
	e := el.Value.(*ipRate)
	e.used = now
	for range 2 { // more than come in, so that a full table shrinks
		last := r.recent.Back()
		old := last.Value.(*ipRate)
		if last == el || len(r.entries) <= maxRatedAddresses && now.Sub(old.used) < rateMemory {
			break
		}
		r.recent.Remove(last)
		delete(r.entries, old.ip)
	}
	return e
}

func (r *ipRates) wait(e *ipRate, now time.Time) time.Duration {
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
