package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The names are in lower case, the storage is in DATA_DIR, and the redirects can be switched off.
func TestACME(t *testing.T) {
	t.Parallel()
	c := load(t, env{"ACME_DOMAINS": "Push.Example.com., push.example.com,b.example.com",
		"DATA_DIR": "/data", "ACME_HTTP_ADDR": "off", "ACME_EMAIL": "ops@example.com"})
	o := c.ACME()
	if !reflect.DeepEqual(o.Domains, []string{"push.example.com", "b.example.com"}) ||
		o.Storage != "/data/acme" || o.Email != "ops@example.com" || o.Roots != nil ||
		o.Directory != "https://acme-v02.api.letsencrypt.org/directory" || c.ACMEHTTPAddr != "" ||
		!c.UsesTLS() {
		t.Errorf("%+v, redirects at %q", o, c.ACMEHTTPAddr)
	}
	if c := load(t, env{"DATA_DIR": "/data"}); len(c.ACME().Domains) > 0 || c.UsesTLS() {
		t.Error("certificates without ACME_DOMAINS")
	}
}

func TestBadACME(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	const names = "allowed: host names such as push.example.com, without wildcards"
	for want, e := range map[string]env{
		`ACME_DOMAINS (environment): got "*.example.com", ` + names:        {"ACME_DOMAINS": "*.example.com"},
		`ACME_DOMAINS (environment): got "203.0.113.7", ` + names:          {"ACME_DOMAINS": "203.0.113.7"},
		`ACME_DOMAINS (environment): got "a..b", ` + names:                 {"ACME_DOMAINS": "a..b"},
		`ACME_DOMAINS (environment): got "https://a.example", ` + names:    {"ACME_DOMAINS": "https://a.example"},
		`ACME_STORAGE: missing, expected a directory, or DATA_DIR`:         {"ACME_STORAGE": ""},
		`HOST (environment): got "unix:/run/a", allowed: an IP address`:    {"HOST": "unix:/run/a"},
		`ACME_DIRECTORY (environment): got "http://ca", allowed: a URL`:    {"ACME_DIRECTORY": "http://ca"},
		`ACME_EMAIL (environment): got "a@b,c@d", allowed: one address`:    {"ACME_EMAIL": "a@b,c@d"},
		`ACME_EMAIL (environment): got "ops", allowed: one address`:        {"ACME_EMAIL": "ops"},
		`ACME_HTTP_ADDR (environment): got "80", allowed: address:port`:    {"ACME_HTTP_ADDR": "80"},
		`ACME_CA_FILE (environment): ` + file + `: got no certificate`:     {"ACME_CA_FILE": file},
		`ACME_CA_FILE (environment): open ` + file + `.away: no such file`: {"ACME_CA_FILE": file + ".away"},
	} {
		settings := env{"ACME_DOMAINS": "a.example", "ACME_STORAGE": "/acme", "AUTH_MODE": "ticket"}
		for name, value := range e {
			settings[name] = value
		}
		if got := problems(t, settings); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%v\n got %q\nwant %q", e, got, want)
		}
	}
	got := problems(t, env{"ACME_DOMAINS": "a.example", "ACME_STORAGE": "/acme",
		"TLS_CERT_FILE": "a", "TLS_KEY_FILE": "b"})
	if !slices.Contains(got, "ACME_DOMAINS and TLS_CERT_FILE: both set, allowed: one of them") {
		t.Errorf("got %q", got)
	}
}
