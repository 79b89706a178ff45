package config

import (
	"crypto/tls"
	"net/http/httptest"
	"strings"
	"testing"
)

// Origins against one list, on a public listener.
func TestAllowOrigin(t *testing.T) {
	c := load(t, env{"JWT_SECRET": secret32,
		"NEXT_PUBLIC_APP_URL": "https://app.example.com/start?x=1",
		"ALLOWED_ORIGINS": "https://good.com,http://localhost:5173/,https://Mixed.Example:8443," +
			"https://[2001:db8::1]:444,capacitor://localhost"})
	for origin, want := range map[string]bool{
		// in the list
		"https://good.com": true, "https://good.com:443": true, "https://GOOD.com": true,
		"https://app.example.com": true,
		"http://localhost:5173":   true, "https://mixed.example:8443": true,
		"https://[2001:db8::1]:444": true, "capacitor://localhost": true,
		// the request's own host
		"http://rooms.example:8080": true, "http://ROOMS.example:8080": true,
		"https://rooms.example:8080": true,
		// everything else
		"": false, "null": false, "*": false, "file://": false, "http://good.com": false,
		"HTTPS://good.com":     false,
		"https://good.com:444": false, "https://good.com:0443": false, "https://good.com:": false,
		"https://good.com:0":        false,
		"https://good.com.evil.com": false, "https://evilgood.com": false,
		"https://good.com.": false, "https://sub.good.com": false,
		"https://good.com@evil.com": false, "https://user@good.com": false,
		"https://user:pass@good.com": false,
		"https://good.com/":          false, "https://good.com/path": false,
		"https://good.com?x":          false,
		"https://good.com#x":          false,
		"https://good.com\\.evil.com": false, "https://good.com%2eevil.com": false,
		"https://good.com,https://evil.com": false,
		"https://good.com https://evil.com": false, " https://good.com": false,
		"https://good.com\t": false, "https://good.com\x00": false,
		"https://ɡood.com": false, "https:good.com": false, "//good.com": false, "good.com": false,
		"https://":             false,
		"http://rooms.example": false, "http://rooms.example:8081": false,
		"http://localhost:3000": false, "http://127.0.0.1:5173": false,
		"https://app.example.com:3000": false, "capacitor://evil": false,
		"https://[2001:db8::1]": false, "https://[2001:db8::1%25eth0]:444": false,
		"ftp://rooms.example:8080": false, "javascript://good.com": false,
	} {
		r := httptest.NewRequest("GET", "http://rooms.example:8080/sse", nil)
		if got := c.AllowOrigin(origin, r); got != want {
			t.Errorf("%q: allowed %t, want %t", origin, got, want)
		}
		if got := c.AllowOrigin(origin, nil); got && !want {
			t.Errorf("%q: allowed without a request", origin)
		}
	}
}

// The own host is compared including the scheme's default port; over TLS the scheme must be https.
func TestOwnOrigin(t *testing.T) {
	o := load(t, env{"JWT_SECRET": secret32, "ALLOWED_ORIGINS": ""}).Origins()
	for _, tt := range []struct {
		host   string
		tls    bool
		origin string
		want   bool
	}{
		{"a.example", false, "http://a.example", true},
		{"a.example", false, "http://a.example:80", true},
		{"a.example:80", false, "http://a.example", true},
		{"a.example", false, "https://a.example", true}, // TLS ends at a proxy
		{"a.example", true, "https://a.example", true},
		{"a.example:443", true, "https://a.example", true},
		{"a.example", true, "http://a.example", false},
		{"a.example:8443", true, "https://a.example", false},
		{"a.example", false, "http://b.example", false},
		{"a.example", false, "http://a.example.evil", false},
		{"[::1]:3000", false, "http://[::1]:3000", true},
		{"", false, "http://", false},
		{"evil@a.example", false, "http://evil@a.example", false},
		{"a.example/x", false, "http://a.example/x", false},
		{"null", false, "null", false},
		{"a.example", false, "http://a.example/", true},
		{"a.example", false, "http://a.example/socket.io/?x=1", true},
		{"a.example", false, "http://evil.example/a.example", false},
		{"a.example", false, "http://a.example@evil.example/", false},
		{"a.example", false, "a.example/", false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host, r.TLS = tt.host, nil
		if tt.tls {
			r.TLS = &tls.ConnectionState{}
		}
		if got := o.Allow(tt.origin, r); got != tt.want {
			t.Errorf("origin %s, host %s, TLS %t: %t, want %t", tt.origin, tt.host, tt.tls, got,
				tt.want)
		}
	}
	r := httptest.NewRequest("GET", "http://a.example/", nil)
	if (Origins{}).Allow("http://b.example", r) || !(Origins{}).Allow("http://a.example", r) {
		t.Error("the zero Origins allows another host")
	}
}

// On a loopback listener, pages of this machine may use any port.
func TestLocalhostOrigins(t *testing.T) {
	local, public := load(t, nil), load(t, env{"AUTH_MODE": "open"})
	for origin, want := range map[string]bool{
		"http://localhost:5173": true, "http://localhost": true, "https://localhost:8443": true,
		"http://127.0.0.1:9": true,
		"http://127.1.2.3:9": true, "http://[::1]:5173": true, "http://LOCALHOST:5173": true,
		"http://localhost.evil.com:5173": false, "http://notlocalhost:5173": false,
		"http://localhost@evil.com": false, "http://10.0.0.1:5173": false,
		"http://app.localhost:5173": false, "capacitor://localhost": false, "null": false,
	} {
		r := httptest.NewRequest("GET", "http://127.0.0.1:3000/", nil)
		if got := local.AllowOrigin(origin, r); got != want {
			t.Errorf("%s on loopback: %t, want %t", origin, got, want)
		}
		if public.AllowOrigin(origin, httptest.NewRequest("GET", "http://rooms.example/", nil)) {
			t.Errorf("%s was allowed on a public listener", origin)
		}
	}
	for _, origin := range []string{"http://localhost:3000", "http://127.0.0.1:3000"} {
		if !public.AllowOrigin(origin, httptest.NewRequest("GET", "http://rooms.example/", nil)) {
			t.Errorf("%s is allowed by default, but refused", origin)
		}
	}
}

func FuzzOrigin(f *testing.F) {
	for _, s := range []string{
		"https://good.com", "http://[::1]:80", "null",
		"https://good.com:443", "https://a@good.com", "x://", "https://good.com\x00",
		"http://good.com/", "https://good.com/path", "http://evil.com/good.com",
	} {
		f.Add(s, "good.com")
	}
	o := Config{Host: "10.0.0.1", AllowedOrigins: []string{"https://good.com"}}.Origins()
	f.Fuzz(func(t *testing.T, text, host string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		if !o.Allow(text, r) {
			return
		}
		one, ok := parseOrigin(text)
		if !ok { // the URL of the server itself
			one, ok = parseOrigin(withoutPath(text))
		}
		if !ok || one.host == "" || one.port == 0 && one.scheme != "http" && one.scheme != "https" {
			t.Fatalf("%q was allowed as %+v", text, one)
		}
		if withoutPath(text) != text || one != (origin{"https", "good.com", 443}) {
			if own, ok := parseOrigin(one.scheme + "://" + host); !ok || own != one {
				t.Fatalf("%q was allowed for host %q", text, host)
			}
		}
	})
}

// null and file:// are allowed by name only, and the program warns about them.
func TestOpaqueOrigins(t *testing.T) {
	c := load(t, env{"JWT_SECRET": secret32, "ALLOWED_ORIGINS": "https://app.example,null"})
	r := httptest.NewRequest("GET", "http://rooms.example/", nil)
	for origin, want := range map[string]bool{
		"null": true, "file://": false, "NULL": false, "https://app.example": true, "": false,
	} {
		if got := c.AllowOrigin(origin, r); got != want {
			t.Errorf("%q: %t, want %t", origin, got, want)
		}
	}
	files := load(t, env{"JWT_SECRET": secret32, "ALLOWED_ORIGINS": "file://"})
	if !files.AllowOrigin("file://", r) || files.AllowOrigin("null", r) {
		t.Error("file:// allows another origin, or not itself")
	}
	for _, c := range []Config{c, files} {
		if warnings := strings.Join(c.Warnings(), "\n"); !strings.Contains(warnings, "ALLOWED_ORIGINS") {
			t.Errorf("no warning: %s", warnings)
		}
	}
}
