package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// hostName matches DNS names. It accepts some invalid ones, which the resolver refuses.
var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?$`)

func (l *loader) resolveHost(c *Config) {
	_, modeUnknown := l.bad["auth-mode"]
	switch {
	case c.Host == "" && c.OpenByDefault():
		c.Host = "127.0.0.1"
	case c.Host == "":
		c.Host = "0.0.0.0"
	}
	if strings.HasPrefix(c.Host, unixPrefix) {
		c.Host = l.checkSocket(c, "HOST", c.Host)
	} else if !l.resolveAddress(c) {
		return
	}
	if c.OpenByDefault() && noKey(c) && !modeUnknown && !c.Loopback() {
		l.wrong(c, "HOST", c.Host, "127.0.0.1, ::1 or localhost while every userId is accepted; "+
			"for other addresses set JWT_SECRET or another JWT key, AUTH_MODE=ticket, "+
			"AUTH_MODE=hook, or AUTH_MODE=open if you trust everyone who can connect")
	}
}

// resolveAddress reports whether HOST is an address or a name.
func (l *loader) resolveAddress(c *Config) bool {
	host := c.Host
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	if _, err := netip.ParseAddr(host); err != nil && !hostName.MatchString(host) {
		l.wrong(c, "HOST", c.Host, "an IP address or a host name, without port, "+
			"or unix: and the path of a socket")
		return false
	}
	c.Host = host
	return true
}

func (l *loader) resolveOrigins(c *Config) {
	if c.sources["ALLOWED_ORIGINS"] == "" {
		c.AllowedOrigins = []string{"http://localhost:3000", "http://127.0.0.1:3000"}
	}
	for _, origin := range c.AllowedOrigins {
		switch _, ok := parseOrigin(strings.TrimSuffix(origin, "/")); {
		case origin == "*":
			l.wrong(c, "ALLOWED_ORIGINS", "*",
				"origins by name: with a star every page of the web "+
					"could use a visitor's credentials")
		case !ok && !isOpaque(origin):
			l.wrong(c, "ALLOWED_ORIGINS", origin, "origins such as https://app.example.com "+
				"or http://localhost:5173, without path, separated by commas")
		}
	}
	if c.AppURL != "" {
		if _, ok := originOfURL(c.AppURL); !ok {
			l.wrong(c, "NEXT_PUBLIC_APP_URL", c.AppURL, "a URL such as https://app.example.com")
		}
	}
}

// originOfURL returns the origin of a URL.
func originOfURL(address string) (origin, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return origin{}, false
	}
	return parseOrigin(u.Scheme + "://" + u.Host)
}
