package verify

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// intercepted answers every request with a status.
func intercepted(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

// A token that the server refuses is explained by its claims.
func TestTokenClaims(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		secret string
		claims map[string]any
		want   string // in the detail of the fault; "": the token is accepted
	}{
		"right":     {servertest.Secret, map[string]any{"sub": "u1", "exp": now.Add(time.Hour).Unix(), "channels": "a-*"}, ""},
		"expired":   {servertest.Secret, map[string]any{"sub": "u1", "exp": now.Add(-time.Hour).Unix()}, "it expired 1h0m"},
		"no sub":    {servertest.Secret, map[string]any{"exp": now.Add(time.Hour).Unix()}, "sub, the user id, is missing"},
		"no exp":    {servertest.Secret, map[string]any{"sub": "u1"}, "exp is missing"},
		"too early": {servertest.Secret, map[string]any{"sub": "u1", "exp": now.Add(2 * time.Hour).Unix(), "nbf": now.Add(time.Hour).Unix()}, "nbf is"},
		"foreign":   {strings.Repeat("k", 40), map[string]any{"sub": "u1", "exp": now.Add(time.Hour).Unix()}, "the signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := testOptions(startServer(t, tokenMode))
			o.Token = servertest.SignHS256(t, c.secret, c.claims)
			want := []string{"token"}
			if c.want == "" {
				want, c.want = nil, "channels: a-*"
			}
			report := check(t, o, want...)
			i := slices.IndexFunc(report.Results, func(r Result) bool { return r.Check == "token" })
			if got := report.Results[i].Detail; !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// A proxy that removes the cookie, or the header, of a token.
func TestTokenDoesNotArrive(t *testing.T) {
	t.Parallel()
	for header, fault := range map[string]string{"Cookie": "cookie", "Authorization": "authorization"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			o := testOptions(servertest.Serve(t, without(header)(newProxy(t, startServer(t, tokenMode)))))
			o.Token = servertest.TokenFor(t, time.Now().Add(time.Hour))
			check(t, o, fault)
		})
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		seen arrival
		near bool
		want string
	}{
		"direct":                   {arrival{Address: "198.51.100.7", Peer: "198.51.100.7", ForwardedFor: spoofed}, false, ""},
		"trusted":                  {arrival{Address: "198.51.100.7", Peer: "10.0.0.2", ForwardedFor: spoofed + ", 198.51.100.7"}, false, ""},
		"replaced":                 {arrival{Address: "198.51.100.7", Peer: "10.0.0.2", ForwardedFor: "198.51.100.7"}, false, ""},
		"not trusted":              {arrival{Address: "10.0.0.2", Peer: "10.0.0.2", ForwardedFor: spoofed + ", 198.51.100.7"}, false, "address"},
		"not added":                {arrival{Address: "10.0.0.2", Peer: "10.0.0.2"}, false, "address"},
		"passed on":                {arrival{Address: spoofed, Peer: "10.0.0.2", ForwardedFor: spoofed}, false, "forwarded"},
		"this machine":             {arrival{Address: "127.0.0.1", Peer: "127.0.0.1", ForwardedFor: spoofed}, true, ""},
		"this machine, trusted":    {arrival{Address: spoofed, Peer: "127.0.0.1", ForwardedFor: spoofed + ", 127.0.0.1"}, true, ""},
		"this machine, untrusted":  {arrival{Address: "127.0.0.1", Peer: "127.0.0.1", ForwardedFor: spoofed + ", 127.0.0.1"}, true, "address"},
		"through a Unix socket":    {arrival{ForwardedFor: spoofed + ", 198.51.100.7"}, false, "address"},
		"a network without a name": {arrival{Address: "192.168.1.9", Peer: "10.0.0.2", ForwardedFor: "192.168.1.9"}, false, ""},
	} {
		if got, _ := judge(c.seen, c.near); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A clock is judged by what all samples allow together, however long the answers took.
func TestSkew(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	var b bounds
	b.sample(start.Add(time.Minute), start, start.Add(20*time.Second), time.Second)
	if got := b.certain(); got != 40*time.Second {
		t.Errorf("%s", got)
	}
	b.sample(start.Add(time.Minute), start, start.Add(time.Second), time.Second)
	if got := b.certain(); got != 59*time.Second {
		t.Errorf("%s", got)
	}
	b = bounds{}
	b.sample(start.Add(-time.Minute), start, start.Add(time.Second), time.Second)
	if got := b.certain(); got != -59*time.Second {
		t.Errorf("%s", got)
	}
	b = bounds{}
	b.sample(start, start.Add(-time.Hour), start.Add(time.Hour), time.Second)
	if got := b.certain(); got != 0 {
		t.Errorf("%s", got)
	}
}
