package limit

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
)

// StreamAuth returns an authenticator for EventSource streams. l counts its failures
// together with those of Socket.IO clients.
func StreamAuth(a *auth.Authenticator, l *Limiter) *StreamAuthenticator {
	return &StreamAuthenticator{a, l}
}

// StreamAuthenticator is an auth.Authenticator that counts the failures of each address.
type StreamAuthenticator struct {
	*auth.Authenticator
	limits *Limiter
}

// Authenticate is auth.Authenticator.Authenticate.

func (s *StreamAuthenticator) Authenticate(ctx context.Context, c auth.Credentials, t auth.Transport) (auth.Identity, error) {
	return s.limits.Attempt(edge.IPFromContext(ctx), func() (auth.Identity, error) { return s.Authenticator.Authenticate(ctx, c, t) })
}

// Refresh is auth.Authenticator.Refresh.
func (s *StreamAuthenticator) Refresh(ctx context.Context, current auth.Identity, token string) (auth.Identity, error) {
	return s.limits.Attempt(edge.IPFromContext(ctx), func() (auth.Identity, error) { return s.Authenticator.Refresh(ctx, current, token) })
}

// guesses are the failures of each address, counted from the first attempt on.
type guesses struct {
	once  sync.Once
	rates *Rates
}

// failures is nil when none are counted.
func (l *Limiter) failures() *Rates {
	if l == nil || l.options.AuthFailures <= 0 {
		return nil
	}
	l.guesses.once.Do(func() {
		most := l.options.AuthFailures
		l.guesses.rates = NewRates(rate.Every(time.Minute/time.Duration(most)), most)
	})
	return l.guesses.rates
}

// Attempt runs a check of credentials that came from an address. Tokens and
// tickets that do not verify count as guesses; with too many of them an address
// is refused without a look. Credentials that are missing or have run out are no
// guess. An address that good credentials came from is different: a whole office
// or a proxy may be behind it, and what one of them sends must not lock out the
// others, so there only the bad credentials are refused.
func (l *Limiter) Attempt(ip netip.Addr, check func() (auth.Identity, error)) (auth.Identity, error) {
	failures := l.failures()
	if failures == nil || !ip.IsValid() {
		return check()
	}
	out, trusted, retry := failures.Exhausted(ip)
	if out && !trusted {
		return auth.Identity{}, tooManyGuesses(retry)
	}
	id, err := check()
	switch {
	case err == nil && id.Verified:
		failures.Trust(ip)
	case errors.Is(err, auth.ErrInvalid):
		if ok, retry := failures.Allow(ip); !ok {
			return auth.Identity{}, tooManyGuesses(retry)
		}
	}
	return id, err
}

// tooManyGuesses tells whole seconds, rounded up: a client that comes back early
// is refused again.
func tooManyGuesses(retry time.Duration) error {
	return &auth.Error{
		Code: edge.CodeRateLimited, Message: "Rate limit exceeded", Status: http.StatusTooManyRequests,
		RetryAfter: time.Duration(max(1, math.Ceil(retry.Seconds()))) * time.Second,
	}
}
