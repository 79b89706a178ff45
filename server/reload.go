package server

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"sync/atomic"
	"time"
)

// Reload applies the options that can change while the service runs: APIKeys, PublishRate,
// PublishBurst, CertFile, KeyFile, DrainTimeout, DrainRate and the Key of Admin. It ignores the
// others. API keys that stay keep their rate and their idempotent answers; connections that are open
// stay open. After an error nothing has changed. Any goroutine may call it.
func (s *Service) Reload(o Options) error {
	if s.certificate.isSet() {
		if err := s.certificate.load(o.CertFile, o.KeyFile); err != nil {
			return err
		}
	}
	s.keys.Set(o.APIKeys, o.PublishRate, o.PublishBurst)
	s.settings.set(o)
	return nil
}

// settings are further options that Reload can change.
type settings struct{ current atomic.Pointer[reloadable] }

type reloadable struct {
	drainTimeout time.Duration
	drainRate    int
	adminKey     [sha256.Size]byte // its digest
}

func (s *settings) load() *reloadable { return s.current.Load() }

func (s *settings) set(o Options) {
	s.current.Store(&reloadable{o.DrainTimeout, o.DrainRate, sha256.Sum256([]byte(o.Admin.Key))})
}

// certificate is the certificate of the listener, with its key. The zero value is none.
type certificate struct {
	current atomic.Pointer[tls.Certificate]
}

func (c *certificate) isSet() bool { return c.current.Load() != nil }

// load reads the certificate and its key; without their names it does nothing.
func (c *certificate) load(certFile, keyFile string) error {
	if certFile == "" || keyFile == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	c.current.Store(&pair)
	return nil
}

// get is for tls.Config: handshakes get the newest certificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}
