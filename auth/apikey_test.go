package auth

import (
	"errors"
	"strings"
	"testing"
)

func TestParseAPIKey(t *testing.T) {
	for entry, want := range map[string]string{
		"secret":                     "*",
		"secret:*":                   "*",
		"secret:all":                 "all",
		"secret:user:*":              "user:*",
		"secret:user:auth0|7":        "user:auth0|7",
		"secret:channel:orders-*":    "channel:orders-*",
		"secret:channel:a:b":         "channel:a:b",
		"secret:client:Zk3vX0bq5tQy": "client:Zk3vX0bq5tQy",
	} {
		key, pattern, err := ParseAPIKey(entry)
		if err != nil || !key.Equal("secret") || pattern != want {
			t.Errorf("%s: key right %v, pattern %q, %v", entry, key.Equal("secret"), pattern, err)
		}
	}
	for _, entry := range []string{
		"", ":", ":user:*", "secret:", "secret:user", "secret:user:",
		"secret:users:*", "secret:room:x",
		"secret:User:*", "secret:**", "secret:ALL", "secret: user:*", "secret:*:x",
	} {
		if _, _, err := ParseAPIKey(entry); !errors.Is(err, ErrAPIKey) ||
			strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", entry, err)
		}
	}
}

func TestScope(t *testing.T) {
	for _, tc := range []struct {
		scope   Scope
		subject string
		allowed bool
	}{
		{nil, "user:u1", false},
		{Scope{"*"}, "user:u1", true},
		{Scope{"*"}, "all", true},
		{Scope{"all"}, "all", true},
		{Scope{"all"}, "user:u1", false},
		{Scope{"user:*"}, "user:u1", true},
		{Scope{"user:*"}, "all", false},
		{Scope{"user:*"}, "channel:user:1", false},
		{Scope{"channel:orders-*"}, "channel:orders-eu", true},
		{Scope{"channel:orders-*"}, "channel:orders", false},
		{Scope{"channel:orders-*", "client:*"}, "client:x", true},
		{Scope{"user:u1"}, "user:u11", false},
	} {
		if got := tc.scope.Allows(tc.subject); got != tc.allowed {
			t.Errorf("%q allows %s: %v", tc.scope, tc.subject, got)
		}
	}
	if !(Scope{"user:*", "*"}).Everything() || (Scope{"user:*", "all"}).Everything() ||
		(Scope{}).Everything() {
		t.Error("Everything is true without the star, or false with it")
	}
}

func FuzzParseAPIKey(f *testing.F) {
	for _, seed := range []string{"k", "k:*", "k:user:*", "k:channel:a*b", ":", "k::", "k:user:"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		key, pattern, err := ParseAPIKey(entry)
		if err != nil {
			return
		}
		if len(key) == 0 || strings.Contains(string(key), ":") {
			t.Errorf("%q: a key of %d bytes", entry, len(key))
		}
		if written := string(key) + ":" + pattern; written != entry && written != entry+":*" {
			t.Errorf("%q was read as %q", entry, written)
		}
	})
}
