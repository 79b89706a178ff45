package config

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/auth"
)

// Every source of keys switches token mode on; the error names contradictions.
func TestKeysForTokens(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	key := file(t, "key.pem", block("PUBLIC KEY", der))
	wrong := file(t, "private.pem", block("PRIVATE KEY", secret))
	const keySet = "https://id.example.com/keys"

	for name, e := range map[string]env{
		"file": {"JWT_PUBLIC_KEY_FILE": key}, "address": {"JWT_JWKS_URL": keySet},
		"file and secret": {"JWT_PUBLIC_KEY_FILE": key, "JWT_SECRET": secret32},
	} {
		e["MAX_CONNECTIONS_PER_IP"] = "100" // else a warning recommends it
		c := load(t, e)
		if c.Mode() != auth.ModeToken || c.OpenByDefault() || c.Host != "0.0.0.0" ||
			len(c.Warnings()) > 0 {
			t.Errorf("%s: mode %s on %s, warnings %q", name, c.Mode(), c.Host, c.Warnings())
		}
		if keys := c.Auth().PublicKeys; (len(keys) == 1) != (e["JWT_PUBLIC_KEY_FILE"] != "") {
			t.Errorf("%s: %d public keys", name, len(keys))
		}
	}
	if c := load(t, env{"AUTH_MODE": "ticket"}); c.Mode() != auth.ModeTicket ||
		c.Host != "0.0.0.0" {
		t.Errorf("ticket mode: %s on %s", c.Mode(), c.Host)
	}
	for _, tt := range []struct {
		e    env
		want string
	}{
		{env{"JWT_PUBLIC_KEY_FILE": key, "JWT_JWKS_URL": keySet},
			"JWT_PUBLIC_KEY_FILE and JWT_JWKS_URL: both set"},
		{env{"JWT_PUBLIC_KEY_FILE": key + ".gone"}, "JWT_PUBLIC_KEY_FILE (environment): open "},
		{env{"JWT_PUBLIC_KEY_FILE": wrong},
			"JWT_PUBLIC_KEY_FILE (environment): " + wrong + ": PEM block 1: got a private key"},
		{env{"JWT_JWKS_URL": "http://id.example.com/keys"},
			`JWT_JWKS_URL (environment): got scheme "http", expected https`},
		{env{"JWT_JWKS_URL": "https://user:canary@id.example.com/"},
			"JWT_JWKS_URL (environment): expected a URL without user"},
		{env{"AUTH_MODE": "ticket", "JWT_PUBLIC_KEY_FILE": key},
			`AUTH_MODE (environment): got "ticket", allowed: ticket without a JWT key`},
		{env{"AUTH_MODE": "token"},
			`AUTH_MODE (environment): got "token", allowed: token with JWT_SECRET, ` +
				`JWT_SECRET_FILE, JWT_PUBLIC_KEY_FILE or JWT_JWKS_URL`},
		{env{"AUTH_FAILURES": "-1"},
			`AUTH_FAILURES (environment): got "-1", allowed: a whole number from 0 to 1000000`},
	} {
		got := problems(t, tt.e)
		if len(got) != 1 || !strings.HasPrefix(got[0], tt.want) ||
			strings.Contains(got[0], "canary") {
			t.Errorf("%v: %q, want %q", tt.e, got, tt.want)
		}
	}
}
