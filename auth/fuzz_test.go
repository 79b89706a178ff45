package auth

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomcast/roomcast/rooms"
)

// FuzzToken checks that no token panics, that no unsigned token is accepted, and that a signed one
// is accepted only with a valid subject and an expiry in the future. The second argument is signed
// as claims, so that the fuzzer reaches the code behind the signature.
func FuzzToken(f *testing.F) {
	valid := sign(f, good(nil))
	for _, token := range hugeTokens(f) {
		if len(token) < 2*MaxToken {
			f.Add(token, `{}`)
		}
	}
	for _, claims := range []string{
		`{"sub":"alice","exp":1795341600}`, `{"sub":"alice","exp":1e309}`,
		`{"sub":"alice","exp":"1795341600"}`,
		`{"sub":"alice","exp":-1}`, `{"sub":"alice","exp":253402300799}`,
		`{"sub":"alice","exp":253402300800}`,
		`{"exp":1795341600}`, `{"sub":{},"exp":[]}`, `{"sub":"a\u0000","exp":1795341600}`, `[]`,
		`null`, `"x"`, `0`, ``, `{`,
		`{"sub":"alice","exp":1795341600,"nbf":1,"iat":1,"aud":["a"],"iss":"x","name":"A",` +
			`"channels":["a","b-*"],"publish":"c"}`,
		`{"sub":"alice","sub":"bob","SUB":"eve","exp":1795341600}`,
	} {
		f.Add(valid, claims)
		f.Add(signWith(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, good(nil)),
			claims)
	}
	a := newAuth(f, Options{Secret: testSecret})
	f.Fuzz(func(t *testing.T, token, claims string) {
		id, err := try(a, Credentials{Token: token}, SocketIO)
		if err == nil && token != valid {
			// The fuzzer cannot sign, so this is a second spelling of a token that this test
			// signed.
			t.Fatalf("accepted %q as %+v", token, id)
		}
		known(t, err)

		if !json.Valid([]byte(claims)) {
			return
		}
		signed := raw(t, claims)
		id, err = try(a, Credentials{Token: signed}, EventSource)
		known(t, err)
		if err != nil {
			return
		}
		if rooms.CheckUserID("sub", id.UserID) != nil || !id.Verified || id.Anonymous ||
			id.Expired(testNow) ||
			id.ExpiresAt.After(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)) ||
			len(signed) > MaxToken {
			t.Fatalf("accepted %q as %+v", claims, id)
		}
		if id.MayJoin("user:x") || id.MayJoin("client:x") || id.MayJoin("*") || id.MayJoin("a#b") {
			t.Fatalf("%q may join a server-owned room", claims)
		}
	})
}

// known fails the test unless err is nil or an *Error of a status 4xx with a short text.
func known(t *testing.T, err error) {
	t.Helper()
	var refusal *Error
	if err != nil && (!errors.As(err, &refusal) || refusal.Status/100 != 4 ||
		len(err.Error()) > 300) {
		t.Fatalf("error %T: %v", err, err)
	}
}

// FuzzPattern checks that matching ends, and that a pattern of one star matches prefix and suffix.
func FuzzPattern(f *testing.F) {
	f.Add("team-*", "team-1")
	f.Add("*", "")
	f.Add("a*b*c", "abc")
	f.Add(strings.Repeat("*a", 50)+"b", strings.Repeat("a", 100))
	f.Fuzz(func(t *testing.T, pattern, s string) {
		got := matches(pattern, s)
		before, after, star := strings.Cut(pattern, "*")
		switch {
		case !star && got != (pattern == s):
			t.Errorf("matches(%q, %q) = %t", pattern, s, got)
		case star && !strings.Contains(after, "*"):
			want := len(s) >= len(before)+len(after) && strings.HasPrefix(s, before) &&
				strings.HasSuffix(s, after)
			if got != want {
				t.Errorf("matches(%q, %q) = %t, want %t", pattern, s, got, want)
			}
		}
	})
}
