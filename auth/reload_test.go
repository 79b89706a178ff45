package auth

import (
	"context"
	"strings"
	"testing"

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
