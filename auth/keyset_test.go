package auth

import (
	"crypto/elliptic"
	"encoding/json"
	"errors"
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
