package limit

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
)

// StreamAuth returns an authenticator for EventSource streams. l counts its failures together with
// those of Socket.IO clients.
func StreamAuth(a *auth.Authenticator, l *Limiter) *StreamAuthenticator {
	return &StreamAuthenticator{a, l}
}

// StreamAuthenticator is an auth.Authenticator that counts the failures of each address.
type StreamAuthenticator struct {
	*auth.Authenticator
	limits *Limiter
}

// Authenticate calls auth.Authenticator.Authenticate and counts a failure. Credentials that were
// checked and are invalid are refused as invalid also above the limit: after a refusal with a time
// to wait, an EventSource would try again for ever.
func (s *StreamAuthenticator) Authenticate(
	ctx context.Context, c auth.Credentials, t auth.Transport,
) (auth.Identity, error) {
	var checked error
	c.Address = edge.IPFromContext(ctx)
	id, err := s.limits.Attempt(edge.IPFromContext(ctx), func() (id auth.Identity, err error) {
		id, checked = s.Authenticator.Authenticate(ctx, c, t)
		return id, checked
	})
	if errors.Is(checked, auth.ErrInvalid) {
		return auth.Identity{}, checked
	}
	return id, err
}

// Refresh calls auth.Authenticator.Refresh and counts a failure.
func (s *StreamAuthenticator) Refresh(
	ctx context.Context, current auth.Identity, token string,
) (auth.Identity, error) {
	return s.limits.Attempt(edge.IPFromContext(ctx), func() (auth.Identity, error) {
		return s.Authenticator.Refresh(ctx, current, token)
	})
}

// failures returns the failures of each address, or nil when they are not counted.
func (l *Limiter) failures() *Rates {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	most := l.options.AuthFailures
	if most > 0 && l.guesses == nil {
		l.guesses = NewRates(rate.Every(time.Minute/time.Duration(most)), most)
	}
	return l.guesses
}

// Attempt checks credentials from an address. Invalid tokens and tickets count as guesses; an
// address with too many of them gets tooManyGuesses for each further one. Missing and expired
// credentials do not count. Valid credentials are accepted from every address, because a proxy or
// an office has many users behind one: the wrong token of one client must not lock out the others.
// So the check comes first; it costs less than the handshake around it.
//
// With Options.AskHook a check asks the application, which costs much more. Then it comes last, and
// an address with too many failures gets tooManyGuesses for valid credentials too. Clients that the
// application refuses, and those that leave before its answer, count as guesses.
func (l *Limiter) Attempt(ip netip.Addr, check func() (auth.Identity, error)) (auth.Identity, error) {
	failures := l.failures()
	byHook := failures != nil && l.asksHook()
	if byHook && ip.IsValid() {
		if retry := failures.Wait(ip); retry > 0 {
			return auth.Identity{}, tooManyGuesses(retry)
		}
	}
	id, err := check()
	if failures == nil || !ip.IsValid() || !isGuess(err, byHook) {
		return id, err
	}
	if byHook {
		_, _ = failures.Allow(ip)
		return id, err
	}
	if ok, retry := failures.Allow(ip); !ok {
		return auth.Identity{}, tooManyGuesses(retry)
	}
	return id, err
}

// isGuess reports whether an error of a check counts.
func isGuess(err error, byHook bool) bool {
	var refused *auth.Error
	if errors.As(err, &refused) && refused.FromHook {
		return true
	}
	return errors.Is(err, auth.ErrInvalid) || byHook && errors.Is(err, context.Canceled)
}

func (l *Limiter) asksHook() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.options.AskHook
}

func tooManyGuesses(retry time.Duration) error {
	return TooManyAttempts("Rate limit exceeded", retry)
}

// TooManyAttempts returns the refusal of a client that tries credentials too often. It rounds the time
// up to whole seconds, because a client that comes back too early is refused again.
func TooManyAttempts(message string, retry time.Duration) error {
	return &auth.Error{
		Code: edge.CodeRateLimited, Message: message, Status: http.StatusTooManyRequests,
		RetryAfter: time.Duration(max(1, math.Ceil(retry.Seconds()))) * time.Second,
	}
}
