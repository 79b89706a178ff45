package auth

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A refusal has the names of the refused claims for the log, not their values, and shows neither to
// the client.
func TestRefusalNamesTheClaim(t *testing.T) {
	t.Parallel()
	a := newAuth(t, Options{Secret: testSecret, Issuer: "https://id.test", Audience: "roomcast"})
	claims := func(changes jwt.MapClaims) jwt.MapClaims {
		c := jwt.MapClaims{"iss": "https://id.test", "aud": "roomcast"}
		for name, value := range changes {
			c[name] = value
		}
		return good(c)
	}
	if _, err := try(a, Credentials{Token: sign(t, claims(nil))}, SocketIO); err != nil {
		t.Fatal(err)
	}
	past, future := testNow.Add(-time.Hour).Unix(), testNow.Add(time.Hour).Unix()
	for _, c := range []struct {
		changes jwt.MapClaims
		want    string
	}{
		{jwt.MapClaims{"exp": past}, "exp"},
		{jwt.MapClaims{"exp": nil}, "exp"},
		{jwt.MapClaims{"exp": "secret"}, "exp"},
		{jwt.MapClaims{"nbf": future}, "nbf"},
		{jwt.MapClaims{"iat": future}, "iat"},
		{jwt.MapClaims{"iss": "https://secret.test"}, "iss"},
		{jwt.MapClaims{"iss": nil}, "iss"},
		{jwt.MapClaims{"aud": []string{"secret"}}, "aud"},
		{jwt.MapClaims{"aud": nil}, "aud"},
		{jwt.MapClaims{"sub": " secret "}, "sub"},
		{jwt.MapClaims{"sub": nil}, "sub"},
		{jwt.MapClaims{"sub": []string{"secret"}}, "sub"},
		{jwt.MapClaims{"channels": 1}, "channels"},
		{jwt.MapClaims{"publish": []any{"secret", 1}}, "publish"},
		{jwt.MapClaims{"exp": past, "aud": "secret", "nbf": future}, "exp, nbf, aud"},
	} {
		_, err := try(a, Credentials{Token: sign(t, claims(c.changes))}, SocketIO)
		var refusal *Error
		if !errors.As(err, &refusal) || refusal.Claim != c.want || refusal.Detail != "" ||
			strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: %#v, want the claim %q", c.changes, err, c.want)
		}
	}
	other := Credentials{Token: sign(t, claims(nil)), UserID: "bob"}
	var refusal *Error
	if _, err := try(a, other, SocketIO); !errors.As(err, &refusal) || refusal.Claim != "sub" {
		t.Errorf("another user: %#v", err)
	}
	forged := signWith(t, jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), nil,
		claims(jwt.MapClaims{"exp": past}))
	if _, err := try(a, Credentials{Token: forged}, SocketIO); !errors.As(err, &refusal) ||
		refusal.Claim != "" {
		t.Errorf("a forged token: %#v", err)
	}
}
