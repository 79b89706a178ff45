package limit

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
)

// When a check asks the application, an address with too many refused clients is refused before
// it, until it has waited; other addresses are not.
func TestAttemptsBeforeTheHook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{AuthFailures: 6, AskHook: true})
		bad, good := netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("203.0.113.2")
		asked := 0
		attempt := func(ip netip.Addr, result error) error {
			_, err := l.Attempt(ip, func() (auth.Identity, error) {
				asked++
				return auth.Identity{}, result
			})
			return err
		}
		refused := &auth.Error{Code: "forbidden", Status: 403, FromHook: true}
		// What says nothing about the client does not count.
		for _, err := range []error{nil, auth.ErrHookUnavailable, auth.ErrRequired, auth.ErrMalformed} {
			for range 10 {
				if got := attempt(bad, err); !errors.Is(got, err) {
					t.Fatalf("got %v, want %v", got, err)
				}
			}
		}
		for i, err := range []error{refused, refused, auth.ErrInvalid, context.Canceled, refused, refused} {
			if got := attempt(bad, err); !errors.Is(got, err) {
				t.Errorf("attempt %d: %v, want %v", i, got, err)
			}
		}
		before := asked
		var limited *auth.Error
		if err := attempt(bad, nil); !errors.As(err, &limited) || limited.Code != edge.CodeRateLimited ||
			limited.RetryAfter != 10*time.Second || asked != before {
			t.Errorf("%v, asked %v", err, asked != before)
		}
		if err := attempt(good, nil); err != nil {
			t.Errorf("another address: %v", err)
		}
		time.Sleep(limited.RetryAfter)
		if err := attempt(bad, nil); err != nil {
			t.Errorf("after %s: %v", limited.RetryAfter, err)
		}
	})
}
