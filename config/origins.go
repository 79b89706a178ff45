package config

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// Origins is a set of origins whose pages may connect. The zero value allows the server's own host
// only. It is safe for concurrent use.
type Origins struct {
	allowed   map[origin]bool
	opaque    map[string]bool // null and file://, which are not the origin of one site
	localhost bool            // any port of localhost
}

// Origins returns the origins of ALLOWED_ORIGINS, NEXT_PUBLIC_APP_URL and HOST. Keep the result:
// [Config.AllowOrigin] builds it at each call.
func (c Config) Origins() Origins {
	o := Origins{allowed: map[origin]bool{}, opaque: map[string]bool{}, localhost: c.Loopback()}
	for _, text := range c.AllowedOrigins {
		if isOpaque(text) {
			o.opaque[text] = true
			continue
		}
		if one, ok := parseOrigin(strings.TrimSuffix(text, "/")); ok {
			o.allowed[one] = true
		}
	}
	if one, ok := originOfURL(c.AppURL); ok {
		o.allowed[one] = true
	}
	return o
}

// AllowOrigin reports whether a page of this origin may send the request; see [Origins.Allow].
func (c Config) AllowOrigin(origin string, r *http.Request) bool {
	return c.Origins().Allow(origin, r)
}

// Allow reports whether a page may send the request; text is its Origin header. It allows the
// request's own host, the origins of the set and, on a loopback listener, localhost at any port.
// Scheme, host and port must match, the host without regard to case. Allow refuses user
// information, anything else that is not an origin, and `null` and `file://` unless the set has
// them.
func (o Origins) Allow(text string, r *http.Request) bool {
	if isOpaque(text) {
		return o.opaque[text]
	}
	from, ok := parseOrigin(text)
	if !ok {
		// Some clients that are not browsers send the URL of the server.
		from, ok = parseOrigin(withoutPath(text))
		return ok && from.isOwn(r)
	}
	return o.allowed[from] || o.localhost && from.isWeb() && isLoopback(from.host) || from.isOwn(r)
}

// AllowHost reports whether a Host header names this machine or the host of an origin of the set.
// It is for a server on loopback that accepts every user id: a page of any site can let its own
// name resolve to 127.0.0.1 (DNS rebinding) and is the "own host" of its requests then.
func (o Origins) AllowHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "" || isLoopback(host) || strings.HasSuffix(host, ".localhost") {
		return true
	}
	for allowed := range o.allowed {
		if allowed.host == host {
			return true
		}
	}
	return false
}

// isOwn reports whether o is the host that the request was sent to. Over plain HTTP that is also
// the host with scheme https, because a proxy may have terminated TLS.
func (o origin) isOwn(r *http.Request) bool {
	if !o.isWeb() || r == nil || r.TLS != nil && o.scheme != "https" {
		return false
	}
	own, ok := parseOrigin(o.scheme + "://" + r.Host)
	return ok && own == o
}

func (o origin) isWeb() bool { return o.scheme == "http" || o.scheme == "https" }

// isOpaque reports whether an Origin header is that of pages without a site: sandboxed ones, and
// local files.
func isOpaque(text string) bool { return text == "null" || text == "file://" }

func withoutPath(text string) string {
	scheme, rest, _ := strings.Cut(text, "://")
	authority, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + authority
}

// origin is a parsed origin (RFC 6454, section 4): the host in lower case, and the scheme's default
// port when none is given.
type origin struct {
	scheme, host string
	port         uint16
}

// parseOrigin accepts the serialization of RFC 6454, section 6.2, only. The scheme may be that of
// an application's web view.
func parseOrigin(text string) (origin, bool) {
	scheme, authority, ok := strings.Cut(text, "://")
	if !ok || !validScheme(scheme) {
		return origin{}, false
	}
	host, port, ok := splitPort(authority)
	if !ok || !validHost(host) {
		return origin{}, false
	}
	o := origin{scheme: scheme, host: strings.ToLower(host)}
	switch {
	case port != "":
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
			return origin{}, false
		}
		o.port = uint16(n)
	case scheme == "http":
		o.port = 80
	case scheme == "https":
		o.port = 443
	}
	return o, true
}

// splitPort splits host and port; a colon without a port is not allowed.
func splitPort(authority string) (host, port string, ok bool) {
	if i := strings.LastIndexByte(authority, ':'); i < 0 || strings.HasSuffix(authority, "]") {
		return authority, "", true
	}
	host, port, err := net.SplitHostPort(authority)
	if strings.HasPrefix(authority, "[") {
		host = "[" + host + "]"
	}
	return host, port, err == nil && port != ""
}

func validScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}

// validHost accepts an IPv6 address in brackets, or letters, digits and . - _. Browsers send an
// international name in its ASCII form.
func validHost(s string) bool {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		return closed && err == nil && addr.Is6() && addr.Zone() == ""
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c &&
			c <= '9', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return s != "" && len(s) <= 253
}
