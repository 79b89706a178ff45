package verify

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
)

// serveTLS serves a handler with a certificate for this machine, and returns what a client needs.
func serveTLS(t *testing.T, handler http.Handler, h2 bool) (address string, config *tls.Config) {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.EnableHTTP2, s.Config.ErrorLog = h2, log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return s.Listener.Addr().String(), &tls.Config{RootCAs: pool}
}
