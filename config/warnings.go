package config

import (
	"crypto/x509"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/roomcast/roomcast/auth"
)

// Warnings returns a sentence for each setting that is allowed and needs the operator's attention.
func (c Config) Warnings() []string {
	var w []string
	switch {
	case c.OpenByDefault():
		w = append(w, "open mode: no JWT key is set, so every userId is accepted; "+
			"only this machine can connect")
	case c.Mode() == auth.ModeOpen && !c.Loopback():
		w = append(w, "open mode: every userId is accepted, from every machine that reaches "+
			c.Addr())
	case c.Mode() == auth.ModeOpen:
		w = append(w, "open mode: every userId is accepted")
	}
	if c.SocketIOInactive() != c.InactiveTimeout {
		w = append(w, "INACTIVE_TIMEOUT is raised to "+duration(c.SocketIOInactive())+
			" for Socket.IO, two ping intervals")
	}
	if c.SSEInactive() != c.InactiveTimeout {
		w = append(w, "INACTIVE_TIMEOUT is raised to "+duration(c.SSEInactive())+
			" for EventSource, two heartbeats")
	}
	for _, origin := range c.AllowedOrigins {
		if isOpaque(origin) {
			w = append(w, "ALLOWED_ORIGINS has "+origin+
				": any sandboxed page or local file may use a visitor's credentials")
		}
	}
	w = append(w, c.presetWarnings()...)
	w = append(w, c.limitWarnings()...)
	w = append(w, c.adminWarnings()...)
	w = append(w, c.adminUIWarnings()...)
	w = append(w, c.secretsWarnings()...)
	w = append(w, c.certificateWarnings(time.Now())...)
	for _, entry := range c.APIKeys {
		if key, _, err := auth.ParseAPIKey(string(entry)); err == nil && len(key) < auth.MinSecret {
			w = append(w, "API_KEYS has a key of "+strconv.Itoa(len(key))+
				" bytes; use 32 random bytes, which cannot be guessed")
		}
	}
	return w
}

// presetWarnings names what a preset has made less safe than without it.
func (c Config) presetWarnings() (w []string) {
	if c.Mode() == auth.ModeOpen && c.AuthAnonymous &&
		c.sources["AUTH_ANONYMOUS"] == presetSource {
		w = append(w, "SOCKETIO_PRESET=node: Socket.IO clients without any credentials are accepted, "+
			"as in a Node server without a middleware; AUTH_ANONYMOUS=false refuses them")
	}
	if c.RateLimitInterval == 0 && c.sources["RATE_LIMIT_INTERVAL"] == presetSource {
		w = append(w, "SOCKETIO_PRESET=node: the number of events of a client has no limit, only "+
			"their bytes (SOCKETIO_RECEIVE_RATE); RATE_LIMIT_INTERVAL=100 is the limit without the "+
			"preset")
	}
	return w
}

// limitWarnings recommends limits that have no default, because they depend on the network: many
// clients can share the address of an office or of a proxy. Open mode on loopback is for trying the
// server out.
func (c Config) limitWarnings() []string {
	if c.MaxConnectionsPerIP > 0 || c.Mode() == auth.ModeOpen && c.Loopback() {
		return nil
	}
	return []string{"MAX_CONNECTIONS_PER_IP is 0: one address can take all of MAX_CONNECTIONS; set " +
		"it to what the largest office behind one address needs, such as " +
		strconv.Itoa(max(10, c.MaxConnections/100)) +
		", and behind a proxy set TRUSTED_PROXIES, so that the addresses are those of the clients"}
}

// certificateWarnings names a certificate that no client accepts at this time.
func (c Config) certificateWarnings(now time.Time) []string {
	if len(c.certificate) == 0 {
		return nil
	}
	leaf, err := x509.ParseCertificate(c.certificate[0])
	switch {
	case err != nil: // Load has checked it
		return nil
	case now.After(leaf.NotAfter):
		return []string{"TLS_CERT_FILE: the certificate has expired at " + leaf.NotAfter.Format(time.RFC3339) +
			", so clients refuse it"}
	case now.Before(leaf.NotBefore):
		return []string{"TLS_CERT_FILE: the certificate begins at " + leaf.NotBefore.Format(time.RFC3339) +
			", so clients refuse it; compare the clock of this machine"}
	}
	return nil
}

// isLoopback reports whether host is this machine. A name other than localhost could resolve to any
// address.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.Unmap().IsLoopback()
}
