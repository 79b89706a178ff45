package config

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/roomcast/roomcast/server/acme"
)

// maxDomains bounds the certificates of a server, each of which is renewed alone. Let's Encrypt issues
// 50 a week.
const maxDomains = 50

// UsesTLS reports whether the listener speaks HTTPS.
func (c Config) UsesTLS() bool { return c.TLSCertFile != "" || len(c.ACMEDomains) > 0 }

// ACMERoots returns the certificates of ACME_CA_FILE, or nil without it.
func (c Config) ACMERoots() *x509.CertPool { return c.acmeRoots }

// ACME returns the options of the certificates that the server gets by itself, without a log. It has
// no Domains when ACME_DOMAINS is not set.
func (c Config) ACME() acme.Options {
	o := acme.DefaultOptions()
	o.Domains, o.Email, o.Directory = c.ACMEDomains, c.ACMEEmail, c.ACMEDirectory
	o.Roots, o.Storage = c.acmeRoots, c.ACMEStorage
	return o
}

func (l *loader) resolveACME(c *Config) {
	if c.ACMEHTTPAddr == "off" {
		c.ACMEHTTPAddr = ""
	}
	if c.ACMEStorage == "" && c.DataDir != "" {
		c.ACMEStorage = filepath.Join(c.DataDir, "acme")
	}
	if len(c.ACMEDomains) == 0 {
		return
	}
	l.checkDomains(c)
	switch {
	case c.TLSCertFile != "" || c.TLSKeyFile != "":
		l.fail("ACME_DOMAINS and TLS_CERT_FILE: both set, allowed: one of them")
	case c.Socket() != "":
		l.wrong(c, "HOST", c.Host, "an IP address with ACME_DOMAINS: the authority calls the server; "+
			"behind a proxy, the proxy has the certificates")
	case c.ACMEStorage == "":
		l.fail("ACME_STORAGE: missing, expected a directory, or DATA_DIR: without one, each start " +
			"asks for new certificates until the authority refuses")
	}
	if u, err := url.Parse(c.ACMEDirectory); err != nil || u.Scheme != "https" || u.Host == "" ||
		u.User != nil {
		l.wrong(c, "ACME_DIRECTORY", c.ACMEDirectory, "a URL with https")
	}
	if strings.ContainsAny(c.ACMEEmail, " ,;<>\r\n") || c.ACMEEmail != "" &&
		!strings.Contains(strings.Trim(c.ACMEEmail, "@"), "@") {
		l.wrong(c, "ACME_EMAIL", c.ACMEEmail, "one address such as ops@example.com")
	}
	l.checkPlainAddr(c)
	l.readRoots(c)
}

func (l *loader) checkDomains(c *Config) {
	for i, name := range c.ACMEDomains {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		c.ACMEDomains[i] = name
		_, err := netip.ParseAddr(name)
		if err == nil || !hostName.MatchString(name) || strings.Contains(name, "..") || len(name) > 253 {
			l.wrong(c, "ACME_DOMAINS", name, "host names such as push.example.com, without wildcards, "+
				"which need the challenge DNS-01, and without addresses")
		}
	}
	c.ACMEDomains = slices.Compact(c.ACMEDomains)
	if n := len(c.ACMEDomains); n > maxDomains {
		l.wrong(c, "ACME_DOMAINS", n, "at most "+strconv.Itoa(maxDomains)+" names")
	}
}

func (l *loader) checkPlainAddr(c *Config) {
	if c.ACMEHTTPAddr == "" {
		return
	}
	host, port, err := net.SplitHostPort(c.ACMEHTTPAddr)
	_, portErr := strconv.ParseUint(port, 10, 16)
	_, ipErr := netip.ParseAddr(host)
	if err != nil || portErr != nil || host != "" && ipErr != nil && !hostName.MatchString(host) {
		l.wrong(c, "ACME_HTTP_ADDR", c.ACMEHTTPAddr, "address:port such as :80, or off")
	}
}

func (l *loader) readRoots(c *Config) {
	if c.ACMECAFile == "" {
		return
	}
	text, err := l.readAll(c.ACMECAFile)
	if err == nil {
		c.acmeRoots = x509.NewCertPool()
		if !c.acmeRoots.AppendCertsFromPEM(text) {
			err = fmt.Errorf("%s: got no certificate, expected PEM blocks CERTIFICATE", c.ACMECAFile)
		}
	}
	if err != nil {
		l.fail("ACME_CA_FILE (%s): %s", sourceOf(c, "ACME_CA_FILE"), err)
	}
}
