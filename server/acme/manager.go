// Package acme gets the certificates of the listener from a certificate authority, and renews them.
package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// Options configure a Manager. Domains and Storage are required. Start from DefaultOptions.
type Options struct {
	Domains []string // host names in lower case; each gets a certificate of its own
	Email   string   // of the account, for the authority's messages; may be ""
	// Directory is the URL of the authority. The default is that of Let's Encrypt.
	Directory string
	// Roots verify the authority's own certificate; nil: those of the system.
	Roots *x509.CertPool
	// Storage is a directory for the account, the certificates and their keys. Several processes can
	// share one: they lock it, and answer the challenges of each other.
	Storage string
	Log     *zap.Logger // nil: no log
}

// DefaultOptions returns the options for Let's Encrypt.
func DefaultOptions() Options {
	return Options{Directory: certmagic.LetsEncryptProductionCA}
}

// stopTimeout bounds the removal of locks in the storage.
const stopTimeout = 5 * time.Second

// Manager gets certificates by the challenges TLS-ALPN-01, on the listener for TLS, and HTTP-01, on
// one for plain HTTP. It keeps them in its storage and renews them after two thirds of their time.
// It is safe for concurrent use.
type Manager struct {
	o      Options
	cache  *certmagic.Cache
	config *certmagic.Config
	ctx    context.Context // done after Close
	cancel context.CancelFunc

	mu     sync.RWMutex
	issuer *certmagic.ACMEIssuer // nil before Start
}

// New returns a Manager. It does nothing before Start; Close ends it.
func New(o Options) *Manager {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	m := &Manager{o: o}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return m.config, nil },
		Logger:           o.Log,
	})
	m.config = certmagic.New(m.cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: o.Storage}, Logger: o.Log,
		// For clients without a server name, which do not offer one for an IP address.
		DefaultServerName: o.Domains[0],
	})
	return m
}

// Start loads the certificates, and in the background gets those that are missing. https and plain
// are the addresses of the listeners, which must be open; without plain only TLS-ALPN-01 is tried.
// Failures are logged and tried again for 30 days, with growing pauses.
func (m *Manager) Start(https, plain net.Addr) error {
	template := certmagic.ACMEIssuer{
		CA: m.o.Directory, Email: m.o.Email, Agreed: true, TrustedRoots: m.o.Roots, Logger: m.o.Log,
		// certmagic opens listeners for the challenges unless a port is taken: these are.
		AltTLSALPNPort: portOf(https), AltHTTPPort: portOf(plain),
		DisableHTTPChallenge: plain == nil,
	}
	issuer := certmagic.NewACMEIssuer(m.config, template)
	m.mu.Lock()
	m.issuer = issuer
	m.mu.Unlock()
	m.config.Issuers = []certmagic.Issuer{issuer}
	return m.config.ManageAsync(m.ctx, m.o.Domains)
}

func portOf(a net.Addr) int {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.Port
	}
	return 0
}

// TLSConfig returns a new configuration that answers with the newest certificates, and that answers
// TLS-ALPN-01.
func (m *Manager) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: m.config.GetCertificate,
		NextProtos: []string{"h2", "http/1.1", "acme-tls/1"},
	}
}

// Expires returns when the first of the certificates expires; the zero time if there is none yet.
func (m *Manager) Expires() (first time.Time) {
	for _, name := range m.o.Domains {
		for _, c := range m.cache.AllMatchingCertificates(name) {
			if at := c.Leaf.NotAfter; first.IsZero() || at.Before(first) {
				first = at
			}
		}
	}
	return first
}

// Close ends the renewals, and gives up the locks of the storage.
func (m *Manager) Close() {
	m.cancel()
	m.cache.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	certmagic.CleanUpOwnLocks(ctx, m.o.Log)
}

// ServeHTTP answers requests without TLS: HTTP-01 challenges, and for pages a redirect to the same
// page with TLS. Requests that do more than read are refused, because their credentials have crossed
// the network already; so are those for other names.
func (m *Manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.RLock()
	issuer := m.issuer
	m.mu.RUnlock()
	if issuer.HandleHTTPChallenge(w, r) { // false without an issuer
		return
	}
	w.Header().Set("Connection", "close")
	host := hostOf(r)
	switch {
	case !slices.Contains(m.o.Domains, host):
		http.Error(w, "Host: expected one of the names in ACME_DOMAINS", http.StatusMisdirectedRequest)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		http.Error(w, "use https: everyone on the way can read a request without TLS",
			http.StatusForbidden)
	case !strings.HasPrefix(r.URL.RequestURI(), "/"):
		http.Error(w, "the target of the request is no path", http.StatusBadRequest)
	default:
		w.Header().Set("Location", "https://"+host+r.URL.RequestURI())
		w.WriteHeader(http.StatusPermanentRedirect)
	}
}
