package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A reload replaces the key for the credentials that are checked later, and not the mode.
func TestReload(t *testing.T) {
	t.Parallel()
	first, second := Secret(strings.Repeat("1", 32)), Secret(strings.Repeat("2", 32))
	a := newAuth(t, Options{Secret: first})
	accepts := func(key Secret) bool {
		token := signWith(t, jwt.SigningMethodHS256, []byte(key), nil, good(nil))
		_, err := a.Authenticate(context.Background(), Credentials{Token: token}, EventSource)
		return err == nil
	}
	if !accepts(first) || accepts(second) {
		t.Error("before")
	}
	for name, o := range map[string]Options{
		"another mode": {Mode: ModeOpen}, "a short secret": {Secret: Secret("short")},
	} {
		if err := a.Reload(o); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if !accepts(first) {
		t.Error("a reload that failed has changed the key")
	}
	if err := a.Reload(Options{Secret: second, Now: clock}); err != nil {
		t.Fatal(err)
	}
	if accepts(first) || !accepts(second) {
		t.Error("after")
	}
}

// While a secret is replaced, tokens of both are valid, and those of a third are not.
func TestFurtherSecrets(t *testing.T) {
	t.Parallel()
	secret := func(name string) Secret { return Secret(strings.Repeat(name, MinSecret)) }
	a := newAuth(t, Options{Secret: secret("1"), Further: []Secret{secret("2"), secret("3")}})
	for name, want := range map[string]error{"1": nil, "2": nil, "3": nil, "4": ErrInvalid} {
		token := signWith(t, jwt.SigningMethodHS256, []byte(secret(name)), nil, good(nil))
		_, err := a.Authenticate(t.Context(), Credentials{Token: token}, EventSource)
		if !errors.Is(err, want) {
			t.Errorf("secret %s: %v, want %v", name, err, want)
		}
		token = signWith(t, jwt.SigningMethodHS256, []byte(secret(name)), nil,
			good(jwt.MapClaims{"exp": testNow.Add(-time.Hour).Unix()}))
		_, err = a.Authenticate(t.Context(), Credentials{Token: token}, EventSource)
		if expired := errors.Is(err, ErrExpired); expired != (want == nil) {
			t.Errorf("secret %s, expired: %v", name, err)
		}
	}
	for name, o := range map[string]Options{
		"further secret 2 has 5 bytes, expected at least 32": {Secret: secret("1"),
			Further: []Secret{secret("2"), Secret("short")}},
		"Further needs Secret": {Mode: ModeOpen, Further: []Secret{secret("2")}},
		"got 8 further secrets, expected at most 7": {Secret: secret("1"),
			Further: slices.Repeat([]Secret{secret("2")}, 8)},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
