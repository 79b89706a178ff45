package auth

import (
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

func TestKeySet(t *testing.T) {
	all := signers(t)
	public := map[string]any{}
	for _, s := range all {
		public[s.name] = s.key.Public()
	}
	p := newProvider(t, set(t, public, "", ""))
	k, failures := newKeySet(t, p)
	a := newAuth(t, Options{KeySet: k, Secret: testSecret})
	for _, s := range all {
		if id, err := try(a, named(t, s, s.name), SocketIO); err != nil || id.UserID != "alice" {
			t.Errorf("%s: %+v, %v", s.name, id, err)
		}
	}
	id, err := try(a, Credentials{Token: sign(t, good(nil))}, SocketIO)
	if err != nil || id.UserID != "alice" {
		t.Errorf("a token by the secret: %+v, %v", id, err)
	}
	rsaKey, p256 := all[0], all[2]
	refused(t, a, named(t, p256, "p384"), ErrInvalid) // another key's name
	refused(t, a, named(t, p256, "rsa"), ErrInvalid)
	refused(t, a, named(t, signer{"", jwt.SigningMethodPS256, rsaKey.key}, "rsa"), ErrInvalid)
	// The token has no kid, and there are many keys.
	refused(t, a, Credentials{Token: signWith(t, p256.method, p256.key, nil, good(nil))},
		ErrInvalid)
	if n := p.fetches.Load(); n != 1 {
		t.Errorf("%d fetches, want 1: every key was known", n)
	}
	// Attacks by kid. Only the first unknown kid causes a fetch. Another one may name a key that is
	// newer than the fetch.
	refused(t, a, named(t, p256, "../../dev/null"), ErrInvalid)
	others := []string{"' OR 1=1 --", "http://evil.example/key", strings.Repeat("k", 64)}
	for _, kid := range others {
		refused(t, a, named(t, p256, kid), ErrKeySetUnavailable)
	}
	refused(t, a, named(t, p256, strings.Repeat("k", 65)), ErrInvalid)
	refused(t, a, named(t, p256, strings.Repeat("k", 900)), ErrInvalid)
	if n := p.fetches.Load(); n != 2 {
		t.Errorf("%d fetches after unknown names, want 2", n)
	}
	for _, header := range []string{"jku", "x5u", "jwk", "x5c"} {
		c := Credentials{Token: signWith(t, p256.method, ecKey(t, elliptic.P256()),
			map[string]any{"kid": "p256", header: p.URL}, good(nil))}
		refused(t, a, c, ErrInvalid)
	}
	if n := p.fetches.Load(); n != 2 {
		t.Errorf("%d fetches after headers that name addresses, want 2", n)
	}
	// The next fetch answers for all of them.
	k.limit = rate.NewLimiter(rate.Inf, 1)
	if _, err := try(a, named(t, p256, others[0]), SocketIO); !errors.Is(err, ErrInvalid) {
		t.Errorf("after the next fetch: %v", err)
	}
	k.limit = rate.NewLimiter(0, 0)
	for _, kid := range others {
		refused(t, a, named(t, p256, kid), ErrInvalid)
	}
	refused(t, a, named(t, p256, "another"), ErrKeySetUnavailable)
	k.limit = rate.NewLimiter(rate.Every(time.Hour), 1)
	k.limit.Allow()
	var refusal *Error
	if _, err := try(a, named(t, p256, "another"), EventSource); !errors.As(err, &refusal) ||
		refusal.RetryAfter < time.Minute {
		t.Errorf("%#v has no time until the next fetch", err)
	}
	if n := p.fetches.Load(); n != 3 {
		t.Errorf("%d fetches, want 3", n)
	}
	if list := failures(); len(list) > 0 {
		t.Errorf("failures: %q", list)
	}
}

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
	for deadline := time.Now().Add(30 * time.Second); !k.Ready(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the keys do not arrive")
		}
	}
	if _, err := try(newAuth(t, Options{KeySet: k}), named(t, s, "k"), EventSource); err != nil {
		t.Error(err)
	}
}

func TestKeySetIgnoresUnusableEntries(t *testing.T) {
	s := signer{"p256", jwt.SigningMethodES256, ecKey(t, elliptic.P256())}
	for name, tt := range map[string]struct {
		body  string
		token Credentials
	}{
		"symmetric": {set(t, map[string]any{"k": []byte(testSecret)}, "", ""),
			Credentials{Token: signWith(t, jwt.SigningMethodHS256, []byte(testSecret),
				map[string]any{"kid": "k"}, good(nil))}},
		"for encryption": {set(t, map[string]any{"k": s.key.Public()}, "", jwkset.UseEnc),
			named(t, s, "k")},
		"another alg": {set(t, map[string]any{"k": s.key.Public()}, jwkset.AlgES384, ""),
			named(t, s, "k")},
	} {
		t.Run(name, func(t *testing.T) {
			k, _ := newKeySet(t, newProvider(t, tt.body))
			refused(t, newAuth(t, Options{KeySet: k}), tt.token, ErrInvalid)
		})
	}
}

func TestKeySetOfOneKeyNeedsNoKid(t *testing.T) {
	s := signer{"rsa", jwt.SigningMethodPS256, signers(t)[0].key}
	k, _ := newKeySet(t,
		newProvider(t, set(t, map[string]any{"only": s.key.Public()}, jwkset.AlgPS256,
			jwkset.UseSig)))
	a := newAuth(t, Options{KeySet: k})
	id, err := try(a, Credentials{Token: signWith(t, s.method, s.key, nil, good(nil))}, EventSource)
	if err != nil || id.UserID != "alice" {
		t.Errorf("%+v, %v", id, err)
	}
	refused(t, a, Credentials{Token: signWith(t, jwt.SigningMethodRS256, s.key, nil, good(nil))},
		ErrInvalid)
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

func TestCheckKeySetURL(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://id.example.com/keys": true, "http://localhost:8080/keys": true,
		"http://127.0.0.1/keys": true, "http://[::1]:80/k": true,
		"http://id.example.com/keys": false, "http://localhost.example.com/": false,
		"ftp://id.example.com": false, "file:///etc/passwd": false,
		"": false, "id.example.com": false, "https://": false,
		"https://user:pw@id.example.com/": false, "https://id.example.com/#x": false,
		"http://0.0.0.0/": false,
	} {
		if err := CheckKeySetURL(address); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
		if !ok {
			if k, err := NewKeySet(address, nil); err == nil {
				k.Close()
				t.Errorf("NewKeySet accepts %q", address)
			}
		}
	}
}

// No key of a key set verifies HMAC, whatever its bytes are.
func FuzzKeySet(f *testing.F) {
	s := ecKey(f, elliptic.P256())
	f.Add(set(f, map[string]any{"k": s.Public()}, "", ""), "k")
	f.Add(`{"keys":[{"kty":"oct","kid":"k","k":"AA"}]}`, "k")
	f.Add(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":""}]}`, "")
	f.Fuzz(func(t *testing.T, text, kid string) {
		var parsed jwkset.JWKSMarshal
		if json.Unmarshal([]byte(text), &parsed) != nil {
			return
		}
		for _, entry := range parsed.Keys {
			jwk, err := jwkset.NewJWKFromMarshal(entry, jwkset.JWKMarshalOptions{Private: true},
				jwkset.JWKValidateOptions{})
			if err != nil {
				continue
			}
			algorithm, err := algorithmOf(publicOf(jwk.Key()), entry.ALG.String())
			if err == nil && strings.HasPrefix(algorithm, "HS") {
				t.Fatalf("a key of a key set verifies %s", algorithm)
			}
		}
	})
}
