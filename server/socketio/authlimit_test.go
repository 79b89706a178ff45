package socketio

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/sse"
)

var (
	someIP  = netip.MustParseAddr("192.0.2.1")
	otherIP = netip.MustParseAddr("192.0.2.2")
)

// tries makes n attempts that end with err. It returns how many were refused as too many.
func tries(
	t *testing.T, l *limit.Limiter, ip netip.Addr, n int, id auth.Identity, err error,
) (limited int) {
	t.Helper()
	for range n {
		_, got := l.Attempt(ip, func() (auth.Identity, error) { return id, err })
		var refused *auth.Error
		switch {
		case errors.As(got, &refused) && refused.Code == "rate_limited":
			limited++
			if refused.Status != 429 || refused.Message != "Rate limit exceeded" ||
				refused.RetryAfter < time.Second || refused.RetryAfter%time.Second != 0 {
				t.Fatalf("refused with %+v", refused)
			}
		case !errors.Is(got, err):
			t.Fatalf("got %v, want %v", got, err)
		}
	}
	return limited
}

// Of a thousand guesses from one address in a minute, the limiter refuses all but ten as too many.
// Other addresses are not affected.
func TestGuessesAreLimited(t *testing.T) {
	t.Parallel()
	l := limit.New(limit.Options{AuthFailures: 10})
	if limited := tries(t, l, someIP, 1000, auth.Identity{}, auth.ErrInvalid); limited < 989 {
		t.Errorf("%d of 1000 guesses were refused", limited)
	}
	if limited := tries(t, l, otherIP, 10, auth.Identity{}, auth.ErrInvalid); limited != 0 {
		t.Errorf("another address: %d of 10 guesses were refused", limited)
	}
}

// The limiter never locks out valid credentials, also when all earlier ones of the address were
// wrong. It refuses only the bad ones.
func TestGuessesDoNotLockOutUsers(t *testing.T) {
	t.Parallel()
	l := limit.New(limit.Options{AuthFailures: 10})
	good := auth.Identity{UserID: "u1", Verified: true}
	if limited := tries(t, l, someIP, 100, auth.Identity{}, auth.ErrInvalid); limited < 89 {
		t.Errorf("%d of 100 guesses were refused", limited)
	}
	for _, id := range []auth.Identity{good, {UserID: "u2"}} {
		if limited := tries(t, l, someIP, 100, id, nil); limited != 0 {
			t.Errorf("%s: %d of 100 were refused", id.UserID, limited)
		}
	}
	if limited := tries(t, l, someIP, 100, auth.Identity{}, auth.ErrInvalid); limited < 99 {
		t.Errorf("after users: %d of 100 guesses were refused", limited)
	}
}

// Missing and expired credentials do not count as guesses. Without a limit or an address, the
// limiter counts nothing.
func TestErrorsThatAreNotGuesses(t *testing.T) {
	t.Parallel()
	l := limit.New(limit.Options{AuthFailures: 10})
	for _, err := range []error{
		auth.ErrRequired, auth.ErrExpired, auth.ErrForbidden,
		auth.ErrMalformed, auth.ErrKeySetUnavailable, auth.ErrTicketsUnavailable,
	} {
		if limited := tries(t, l, someIP, 100, auth.Identity{}, err); limited != 0 {
			t.Errorf("%v: %d of 100 were refused", err, limited)
		}
	}
	for name, l := range map[string]*limit.Limiter{
		"no limit":   limit.New(limit.Options{}),
		"no limiter": nil,
	} {
		if limited := tries(t, l, someIP, 100, auth.Identity{}, auth.ErrInvalid); limited != 0 {
			t.Errorf("%s: %d of 100 were refused", name, limited)
		}
	}
	limited := tries(t, l, netip.Addr{}, 100, auth.Identity{}, auth.ErrInvalid)
	if limited != 0 {
		t.Errorf("a unix socket: %d of 100 were refused", limited)
	}
}

// EventSource and Socket.IO count the failures of an address together.
func TestGuessesOverBothTransports(t *testing.T) {
	t.Parallel()
	limits := limit.New(limit.Options{AuthFailures: 10})
	var authenticator *auth.Authenticator
	s := newStack(t, func(o *Options) {
		withTokens(t)(o)
		o.Limits, authenticator = limits, o.Auth
	})
	c := s.Dial("")
	c.Join(`{"token":"` + servertest.TokenFor(t, time.Now().Add(time.Hour)) + `"}`)
	so := sse.DefaultOptions()
	so.Hub, so.Auth, so.Problem = s.Hub, limit.StreamAuth(authenticator, limits), edge.WriteProblem
	streams, err := sse.New(so)
	if err != nil {
		t.Fatal(err)
	}
	base := servertest.Serve(t, edge.WithInfo(nil, streams.Stream("")))
	var last *http.Response
	var text string
	for range 11 {
		last, text = servertest.Do(t, "GET", "http://"+base+"/sse?token=guess", "")
	}
	var problem edge.Problem
	err = json.Unmarshal([]byte(text), &problem)
	if err != nil || last.StatusCode != 401 || problem.Code != "invalid_token" {
		t.Errorf("%s %s", last.Status, text)
	}
	c.Send(refreshPacket("", "guess"))
	want := `42["error",{"code":"rate_limited","message":"Rate limit exceeded","retryAfter":`
	if got := c.Read(); !strings.HasPrefix(got, want) {
		t.Errorf("Socket.IO: %s, want %s", got, want)
	}

	// An EventSource gets the same answer to each invalid token: after a refusal with a
	// time to wait it would try again for ever. A valid token is accepted after any number of them.
	so.Auth = limit.StreamAuth(authenticator, limit.New(limit.Options{AuthFailures: 2}))
	strangers, err := sse.New(so)
	if err != nil {
		t.Fatal(err)
	}
	base = "http://" + servertest.Serve(t, edge.WithInfo(nil, strangers.Stream("")))
	for i := range 4 {
		last, text = servertest.Do(t, "GET", base+"/sse?token=guess", "")
		if last.StatusCode != 401 || !strings.Contains(text, `"code":"invalid_token"`) {
			t.Errorf("attempt %d: %s %s", i, last.Status, text)
		}
	}
	valid, err := http.Get(base + "/sse?token=" + servertest.TokenFor(t, time.Now().Add(time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	defer valid.Body.Close()
	if valid.StatusCode != 200 {
		t.Errorf("a valid token after invalid ones: %s", valid.Status)
	}

	// An unauthenticated client guesses at CONNECT until the server refuses with a delay.
	anonymous := newStack(t, func(o *Options) {
		withTokens(t)(o)
		o.Limits = limit.New(limit.Options{AuthFailures: 2})
	})
	var codes []string
	for range 3 {
		c := anonymous.Dial("")
		c.Send(`40{"token":"guess"}`)
		var refused refusal
		if err := json.Unmarshal([]byte(strings.TrimPrefix(c.Read(), "44")), &refused); err != nil {
			t.Fatal(err)
		}
		codes = append(codes, refused.Data.Code)
	}
	if want := "invalid_token invalid_token rate_limited"; strings.Join(codes, " ") != want {
		t.Errorf("CONNECT: %q, want %s", codes, want)
	}
}
