package adminui

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/server/limit"
)

// Bounds of attempts with a password, each of which costs up to a second of processor time.
const (
	failuresPerMinute = 5               // of one address
	maxWaiting        = 16              // addresses, of which each has one attempt at a time
	maxWait           = 5 * time.Second // for the attempts of others
)

// attempts runs one comparison of a password at a time, so that logins take at most one processor,
// and one of each address, so that a stranger cannot take all places.
type attempts struct {
	failures *limit.Rates
	running  chan struct{}
	wait     time.Duration

	mu      sync.Mutex
	waiting map[netip.Addr]struct{}
}

func newAttempts() *attempts {
	return &attempts{
		failures: limit.NewRates(rate.Every(time.Minute/failuresPerMinute), failuresPerMinute),
		running:  make(chan struct{}, 1), wait: maxWait, waiting: map[netip.Addr]struct{}{},
	}
}

// run compares a password for a client of an address. Above a bound it refuses without comparing.
func (t *attempts) run(ctx context.Context, ip netip.Addr, matches func() bool) error {
	ip = limit.Bucket(ip)
	if !t.enter(ip) {
		return tooManyAttempts(time.Second)
	}
	defer t.leave(ip)
	if retry := t.failures.Wait(ip); retry > 0 {
		return tooManyAttempts(retry)
	}
	ctx, cancel := context.WithTimeout(ctx, t.wait)
	defer cancel()
	select {
	case t.running <- struct{}{}:
		defer func() { <-t.running }()
	case <-ctx.Done():
		return tooManyAttempts(time.Second)
	}
	if !matches() {
		_, _ = t.failures.Allow(ip)
		return errCredentials
	}
	return nil
}

func (t *attempts) enter(ip netip.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, one := t.waiting[ip]; one || len(t.waiting) >= maxWaiting {
		return false
	}
	t.waiting[ip] = struct{}{}
	return true
}

func (t *attempts) leave(ip netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.waiting, ip)
}

func tooManyAttempts(retry time.Duration) error {
	return limit.TooManyAttempts("too many attempts, try again later", retry)
}
