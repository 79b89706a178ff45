package verify

import (
	"cmp"
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
	in := func(d time.Duration) int64 { return now.Add(d).Unix() }
	type all = map[string]any
	for name, c := range map[string]struct {
		secret string
		claims all
		want   string // in the detail of the fault; "": the token is accepted
	}{
		"right":   {"", all{"sub": "u1", "exp": in(time.Hour), "channels": "a-*"}, ""},
		"expired": {"", all{"sub": "u1", "exp": in(-time.Hour)}, "it expired 1h"},
		"no sub":  {"", all{"exp": in(time.Hour)}, "sub, the user id, is missing"},
		"no exp":  {"", all{"sub": "u1"}, "exp is missing"},
		"too early": {"", all{"sub": "u1", "exp": in(2 * time.Hour), "nbf": in(time.Hour)},
			"nbf is"},
		"foreign": {strings.Repeat("k", 40), all{"sub": "u1", "exp": in(time.Hour)},
			"the signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := testOptions(startServer(t, tokenMode))
			o.Token = servertest.SignHS256(t, cmp.Or(c.secret, servertest.Secret), c.claims)
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
	const client, proxy, near = "198.51.100.7", "10.0.0.2", "127.0.0.1"
	for name, c := range map[string]struct{ address, peer, forwardedFor, want string }{
		"direct":                  {client, client, spoofed, ""},
		"trusted":                 {client, proxy, spoofed + ", " + client, ""},
		"replaced":                {client, proxy, client, ""},
		"not trusted":             {proxy, proxy, spoofed + ", " + client, "address"},
		"not added":               {proxy, proxy, "", "address"},
		"passed on":               {spoofed, proxy, spoofed, "forwarded"},
		"this machine":            {near, near, spoofed, ""},
		"this machine, trusted":   {spoofed, near, spoofed + ", " + near, ""},
		"this machine, untrusted": {near, near, spoofed + ", " + near, "address"},
		"through a Unix socket":   {"", "", spoofed + ", " + client, "address"},
	} {
		seen := arrival{Address: c.address, Peer: c.peer, ForwardedFor: c.forwardedFor}
		if got, _ := judge(seen, c.peer == near); got != c.want {
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
