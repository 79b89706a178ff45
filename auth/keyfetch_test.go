package auth

import (
	"crypto/elliptic"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

// What a client names is bounded, and kids that a fetch has answered make room.
func TestKeySetRemembersFewKids(t *testing.T) {
	k := &KeySet{unknown: map[string]int{}, started: 1}
	for i := range 2 * maxUnknown {
		k.note(fmt.Sprint(i))
	}
	if len(k.unknown) != maxUnknown {
		t.Errorf("%d kids", len(k.unknown))
	}
	k.started, k.fetched = 2, 2
	if before := k.note("new"); before != 2 || k.note("new") != 2 || len(k.unknown) > maxUnknown {
		t.Errorf("%d, %d kids", before, len(k.unknown))
	}
}

// The keys arrive by themselves: a server that is not ready may get no client that asks for them.
func TestKeySetFetchesUntilThereAreKeys(t *testing.T) {
	s := signer{"", jwt.SigningMethodES256, ecKey(t, elliptic.P256())}
	p := newProvider(t, "")
	p.serve(503, "away")
	k, _ := newKeySet(t, p)
	if k.Ready() {
		t.Fatal("ready without keys")
	}
	p.serve(200, set(t, map[string]any{"k": s.key.Public()}, "", ""))
	eventually(t, k.Ready)
	if _, err := try(newAuth(t, Options{KeySet: k}), named(t, s, "k"), EventSource); err != nil {
		t.Error(err)
	}
}

// A set without a key that verifies tokens is as good as none: the server is not ready, clients may
// try again, and the next keys arrive by themselves.
func TestKeySetWithoutKeys(t *testing.T) {
	t.Parallel()
	s := signer{"", jwt.SigningMethodES256, ecKey(t, elliptic.P256())}
	public := map[string]any{"k": s.key.Public()}
	for name, empty := range map[string]string{
		"empty": `{"keys":[]}`, "null": `{"keys":null}`, "for encryption": set(t, public, "", "enc"),
		"a secret": set(t, map[string]any{"k": []byte("a-secret-of-32-bytes-0123456789a")}, "", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it waits for the next fetch
			p := newProvider(t, empty)
			k, _ := newKeySet(t, p)
			a := newAuth(t, Options{KeySet: k})
			if k.Ready() {
				t.Errorf("%s: ready at the start", name)
			}
			if name == "empty" || name == "null" {
				if _, err := try(a, named(t, s, "k"), EventSource); !errors.Is(err, ErrKeySetUnavailable) {
					t.Errorf("%s: %v", name, err)
				}
			}
			p.serve(200, set(t, public, "", ""))
			eventually(t, k.Ready)
			// The provider withdraws its keys, for good or by mistake.
			p.serve(200, `{"keys":[]}`)
			fetchAgain(k)
			if k.Ready() {
				t.Errorf("%s: ready without keys", name)
			}
			p.serve(200, set(t, public, "", ""))
			eventually(t, k.Ready)
			if _, err := try(a, named(t, s, "k"), EventSource); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// fetchAgain fetches the set. A fetch that already runs, of keepReady, may have read the answer of
// before, so fetchAgain waits for its end and starts another one.
func fetchAgain(k *KeySet) {
	for mine := false; !mine; {
		var f *fetch
		k.mu.Lock()
		f, mine = k.begin()
		k.mu.Unlock()
		if mine {
			k.run(f, "another")
		}
		<-f.done
	}
}

func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the keys do not arrive")
		}
	}
}

// A new key is fetched once for all clients that bring it, and none of them is refused.
func TestKeySetRotation(t *testing.T) {
	before := signer{"", jwt.SigningMethodES256, ecKey(t, elliptic.P256())}
	after := signer{"", jwt.SigningMethodES256, ecKey(t, elliptic.P256())}
	p := newProvider(t, set(t, map[string]any{"1": before.key.Public()}, "", ""))
	k, _ := newKeySet(t, p)
	a := newAuth(t, Options{KeySet: k})
	if _, err := try(a, named(t, before, "1"), SocketIO); err != nil {
		t.Fatal(err)
	}

	p.serve(200, set(t, map[string]any{"2": after.key.Public()}, "", ""))
	wait := make(chan struct{})
	p.mu.Lock()
	p.wait = wait
	p.mu.Unlock()
	c := named(t, after, "2")
	results := make(chan error, 50)
	for range cap(results) {
		go func() { _, err := try(a, c, SocketIO); results <- err }()
	}
	for p.fetches.Load() < 2 {
		time.Sleep(time.Millisecond) // until the first client's fetch is under way
	}
	close(wait)
	for range cap(results) {
		if err := <-results; err != nil {
			t.Errorf("a client with the new key: %v", err)
		}
	}
	if n := p.fetches.Load(); n != 2 {
		t.Errorf("%d fetches, want 2", n)
	}
	refused(t, a, named(t, before, "1"), ErrInvalid) // withdrawn
}

// The server starts before its identity provider, reports that, and recovers without a restart.
func TestKeySetUnavailableAtStart(t *testing.T) {
	s := signer{"", jwt.SigningMethodES256, ecKey(t, elliptic.P256())}
	good := set(t, map[string]any{"k": s.key.Public()}, "", "")
	for name, tt := range map[string]struct {
		status int
		body   string
	}{
		"status":   {503, "away"},
		"redirect": {302, ""},
		"no JSON":  {200, "<html>"},
		"no keys":  {200, `{"keys":[]}`},
		"too long": {200, strings.Repeat(" ", maxKeySet) + good},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t, tt.body)
			p.serve(tt.status, tt.body)
			k, failures := newKeySet(t, p)
			k.limit = rate.NewLimiter(rate.Inf, 1)
			a := newAuth(t, Options{KeySet: k})
			var refusal *Error
			_, err := try(a, named(t, s, "k"), EventSource)
			if !errors.As(err, &refusal) || refusal.Code != "unavailable" ||
				refusal.Status != 503 || refusal.RetryAfter == 0 {
				t.Errorf("without keys: %v", err)
			}
			cookie := named(t, s, "k")
			cookie.FromCookie, cookie.OriginKnown = true, true
			open := newAuth(t, Options{KeySet: k, Mode: ModeOpen})
			refused(t, open, cookie, ErrKeySetUnavailable)
			if n := len(failures()); name != "no keys" && n == 0 {
				t.Error("failed was not called")
			}
			p.serve(200, good)
			if id, err := try(a, named(t, s, "k"), EventSource); err != nil ||
				id.UserID != "alice" {
				t.Errorf("after the provider is available: %+v, %v", id, err)
			}
			// Unavailable again: the keys of the last fetch stay valid.
			p.serve(500, "")
			refused(t, a, named(t, s, "unknown"), ErrKeySetUnavailable)
			if _, err := try(a, named(t, s, "k"), EventSource); err != nil {
				t.Errorf("while the provider is unavailable again: %v", err)
			}
		})
	}
}
