package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"maps"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
)

// A key that no header can carry could never be used, so it is a mistake.
func TestKeysFitIntoAHeader(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]env{
		"API_KEYS (environment): got a key with a line end":     {"API_KEYS": "k1-0123456789,k2\nk3"},
		"API_KEYS (API_KEYS_FILE): got a key with a line end":   {"API_KEYS_FILE": file(t, "keys", "k\x00\n")},
		"ADMIN_KEY (ADMIN_KEY_FILE): got a key with a line end": {"ADMIN_KEY_FILE": file(t, "key", "\n\n"+secret32)},
	} {
		if got := problems(t, e); len(got) != 1 || !strings.HasPrefix(got[0], name) || strings.Contains(got[0], "k1-") {
			t.Errorf("%q, want %s", got, name)
		}
	}
	if got := problems(t, env{"API_KEYS": "schlüssel-0123456789,with space"}); got != nil {
		t.Errorf("%q", got)
	}
}

// The mode and the address that follow from the settings, and the warnings.
func TestModeAndHost(t *testing.T) {
	for _, tt := range []struct {
		name, mode, key, host string
		wantMode              auth.Mode
		wantHost              string // "" = refused
		warns                 bool
	}{
		{"nothing set", "", "", "", auth.ModeOpen, "127.0.0.1", true},
		{"auto", "auto", "", "", auth.ModeOpen, "127.0.0.1", true},
		{"auto, loopback", "auto", "", "127.0.0.2", auth.ModeOpen, "127.0.0.2", true},
		{"auto, IPv6 loopback", "", "", "::1", auth.ModeOpen, "::1", true},
		{"auto, mapped loopback", "", "", "::ffff:127.0.0.1", auth.ModeOpen, "::ffff:127.0.0.1",
			true},
		{"auto, localhost", "", "", "LocalHost", auth.ModeOpen, "LocalHost", true},
		{"auto, every address", "", "", "0.0.0.0", auth.ModeOpen, "", false},
		{"auto, a name that may be anywhere", "", "", "example.com", auth.ModeOpen, "", false},
		{"auto with key", "", secret32, "", auth.ModeToken, "0.0.0.0", false},
		{"auto with key and host", "auto", secret32, "10.0.0.1", auth.ModeToken, "10.0.0.1", false},
		{"open", "open", "", "", auth.ModeOpen, "0.0.0.0", true},
		{"open and host", "open", "", "10.0.0.1", auth.ModeOpen, "10.0.0.1", true},
		{"open with key", "open", secret32, "", auth.ModeOpen, "0.0.0.0", true},
		{"token", "token", secret32, "", auth.ModeToken, "0.0.0.0", false},
		{"token without key", "token", "", "", auth.ModeToken, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := env{"AUTH_MODE": tt.mode, "JWT_SECRET": tt.key, "HOST": tt.host}
			if tt.wantHost == "" {
				if got := problems(t, e); len(got) != 1 {
					t.Errorf("problems %q, want one", got)
				}
				return
			}
			c := load(t, e)
			if c.Mode() != tt.wantMode || c.Host != tt.wantHost {
				t.Errorf("mode %s on %s, want %s on %s", c.Mode(), c.Host, tt.wantMode, tt.wantHost)
			}
			warned := strings.Contains(strings.Join(c.Warnings(), "\n"), "every userId is accepted")
			if warned != tt.warns {
				t.Errorf("warnings %q", c.Warnings())
			}
			if a, err := auth.New(c.Auth()); err != nil || a.Mode() != tt.wantMode {
				t.Errorf("the authenticator resolves another mode: %v", err)
			}
		})
	}
}

// A client that only listens stays connected with any INACTIVE_TIMEOUT.
func TestInactiveTimeoutLeavesRoomForPings(t *testing.T) {
	c := load(t, env{"INACTIVE_TIMEOUT": "1s"})
	if c.SocketIOInactive() != 50*time.Second || c.SSEInactive() != 6*time.Second ||
		c.InactiveTimeout != time.Second {
		t.Error(c.SocketIOInactive(), c.SSEInactive())
	}
	w := strings.Join(c.Warnings(), "\n")
	if !strings.Contains(w, "raised to 50s for Socket.IO") ||
		!strings.Contains(w, "raised to 6s for EventSource") {
		t.Error(w)
	}
	c = load(t, env{"INACTIVE_TIMEOUT": "1s", "SOCKETIO_PING_INTERVAL": "300ms",
		"SSE_HEARTBEAT_INTERVAL": "100"})
	if c.SocketIOInactive() != time.Second || c.SSEInactive() != time.Second {
		t.Error(c.SocketIOInactive(), c.SSEInactive())
	}
}

func TestShortAPIKeyWarns(t *testing.T) {
	c := load(t, env{"API_KEYS": "dev-key," + secret32})
	w := strings.Join(c.Warnings(), "\n")
	if strings.Count(w, "API_KEYS") != 1 || !strings.Contains(w, "7 bytes") ||
		strings.Contains(w, "dev-key") {
		t.Error(w)
	}
}

func TestTLSFiles(t *testing.T) {
	pair := func() (cert, key string) {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1),
			Subject: pkix.Name{CommonName: "localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey,
			private)
		if err != nil {
			t.Fatal(err)
		}
		keyDER, err := x509.MarshalECPrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		return file(t, "cert.pem",
				string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
			file(t, "key.pem",
				string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})))
	}
	cert, key := pair()
	_, otherKey := pair()
	if got := problems(t, env{"TLS_CERT_FILE": cert, "TLS_KEY_FILE": key}); got != nil {
		t.Errorf("%q", got)
	}
	c := load(t, env{"TLS_CERT_FILE": cert, "TLS_KEY_FILE": key})
	for after, want := range map[time.Duration]string{0: "", 2 * time.Hour: "has expired at ", -2 * time.Hour: "begins at "} {
		got := strings.Join(c.certificateWarnings(time.Now().Add(after)), "\n")
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("after %v: %q, want %q", after, got, want)
		}
	}
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	half := file(t, "half.pem", string(text)+string(text[:len(text)/2]))
	if got := problems(t, env{"TLS_CERT_FILE": half, "TLS_KEY_FILE": key}); len(got) != 1 ||
		!strings.Contains(got[0], half+": the last PEM block has no end") {
		t.Errorf("a chain that is not complete: %q", got)
	}
	for _, bad := range []string{otherKey, cert, "/does/not/exist"} {
		got := problems(t, env{"TLS_CERT_FILE": cert, "TLS_KEY_FILE": bad})
		if len(got) != 1 || !strings.HasPrefix(got[0], "TLS_CERT_FILE and TLS_KEY_FILE: ") {
			t.Errorf("%s: %q", bad, got)
		}
	}
}

func TestUpstream(t *testing.T) {
	for url, ok := range map[string]bool{
		"":                             true,
		"http://127.0.0.1:3001":        true,
		"https://app.internal/":        true,
		"http://127.0.0.1:3000":        false, // ourselves
		"http://localhost:3000":        false,
		"http://app:3000":              true,
		"http://app/path":              false,
		"http://app?x=1":               false,
		"app:3001":                     false,
		"ftp://app":                    false,
		"http://user:canary@app":       false,
		"http://user:canary@app:\x7f/": false,
	} {
		got := problems(t, env{"UPSTREAM_URL": url})
		if ok != (len(got) == 0) || strings.Contains(strings.Join(got, ""), "canary") ||
			!ok && !strings.HasPrefix(got[0], "UPSTREAM_URL (environment): got ") {
			t.Errorf("%q: %q", url, got)
		}
	}
	u := load(t, env{"UPSTREAM_URL": "https://app.internal/"}).Upstream()
	if u == nil || u.String() != "https://app.internal" {
		t.Errorf("%v", u)
	}
	if u := load(t, nil).Upstream(); u != nil {
		t.Errorf("%v", u)
	}
}

func TestAPIKeyPatterns(t *testing.T) {
	c := load(t, env{"API_KEYS": secret32 + ":channel:orders-*," + secret32 + ":user:*,dev-key:*"})
	if len(c.APIKeys) != 3 || strings.Join(c.Warnings(), "\n") == "" ||
		!strings.Contains(strings.Join(c.Warnings(), "\n"), "a key of 7 bytes") {
		t.Errorf("%d keys, %q", len(c.APIKeys), c.Warnings())
	}
	for _, entry := range []string{"canary:users:*", "canary:", ":user:*", "canary:channel:"} {
		got := problems(t, env{"API_KEYS": secret32 + "," + entry})
		if len(got) != 1 ||
			!strings.HasPrefix(got[0], "API_KEYS (environment): got "+strconv.Itoa(len(entry))+
				" bytes as entry 2, allowed: ") || strings.Contains(got[0], "canary") {
			t.Errorf("%q: %q", entry, got)
		}
	}
}

// Open mode does not start in production, whether it was chosen or a key was forgotten.
func TestProductionIsNotOpen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		env     env
		refused bool
	}{
		{"open", env{"AUTH_MODE": "open"}, true},
		{"open on loopback", env{"AUTH_MODE": "open", "HOST": "127.0.0.1"}, true},
		{"open with a key", env{"AUTH_MODE": "open", "JWT_SECRET": secret32}, true},
		{"no key", env{}, true},
		{"auto with a key", env{"JWT_SECRET": secret32}, false},
		{"token", env{"AUTH_MODE": "token", "JWT_SECRET": secret32}, false},
		{"ticket", env{"AUTH_MODE": "ticket"}, false},
	} {
		for _, value := range []string{"production", "PRODUCTION", "development", "/etc/shrc", ""} {
			e := maps.Clone(tt.env)
			e["ENV"] = value
			if want := tt.refused && strings.EqualFold(value, "production"); !want {
				load(t, e)
			} else if got := problems(t, e); len(got) != 1 || !strings.Contains(got[0], "ENV") {
				t.Errorf("%s with ENV=%q: %q", tt.name, value, got)
			}
		}
	}
}

// A server that others can reach recommends a limit for each address.
func TestWarningAboutAddresses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		env  env
		want string
	}{
		{env{}, ""},
		{env{"AUTH_MODE": "open", "HOST": "127.0.0.1"}, ""},
		{env{"AUTH_MODE": "open"}, "such as 100,"},
		{env{"JWT_SECRET": secret32, "MAX_CONNECTIONS": "50000"}, "such as 500,"},
		{env{"JWT_SECRET": secret32, "HOST": "127.0.0.1"}, "such as 100,"},
		{env{"AUTH_MODE": "ticket", "MAX_CONNECTIONS_PER_IP": "200"}, ""},
	} {
		var got string
		for _, warning := range load(t, tt.env).Warnings() {
			if strings.HasPrefix(warning, "MAX_CONNECTIONS_PER_IP is 0") {
				got += warning
			}
		}
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%v: %q, want %q", tt.env, got, tt.want)
		}
	}
}
