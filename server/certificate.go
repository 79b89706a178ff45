package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/keypair"
)

// certificate is the certificate of the listener, with its key, from two files. The zero value is
// none.
type certificate struct {
	current atomic.Pointer[tls.Certificate]

	mu     sync.Mutex
	files  pairOfFiles // the names and states of the last look, or of those that were loaded
	wanted pairOfFiles // a state that differs, and has to last until the next look
}

// pairOfFiles are a certificate and its key, with what a look at them has shown.
type pairOfFiles struct {
	cert, key         string
	certInfo, keyInfo os.FileInfo // nil: there is no such file
}

// lookAt returns the present state of two files.
func lookAt(cert, key string) pairOfFiles {
	p := pairOfFiles{cert: cert, key: key}
	p.certInfo, _ = os.Stat(cert) // follows links, as those that certbot sets to its newest files
	p.keyInfo, _ = os.Stat(key)
	return p
}

// same reports whether two looks have shown the same files in the same state.
func (p pairOfFiles) same(other pairOfFiles) bool {
	return p.cert == other.cert && p.key == other.key &&
		sameFile(p.certInfo, other.certInfo) && sameFile(p.keyInfo, other.keyInfo)
}

func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

func (c *certificate) isSet() bool { return c.current.Load() != nil }

// expires returns when the certificate expires; the zero time without one.
func (c *certificate) expires() time.Time {
	if pair := c.current.Load(); pair != nil {
		return pair.Leaf.NotAfter
	}
	return time.Time{}
}

// config returns a configuration with which handshakes get the newest certificate.
func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.current.Load(), nil
		}}
}

// load reads the certificate and its key; without their names it does nothing. After an error the
// former ones stay.
func (c *certificate) load(certFile, keyFile string) error {
	if certFile == "" || keyFile == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	files := lookAt(certFile, keyFile) // before reading: a later change is seen by the next look
	pair, err := keypair.Read(certFile, keyFile)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	c.current.Store(pair)
	c.files, c.wanted = files, files
	return nil
}

// watch looks at the files again and again until ctx is done, and takes over what is new.
func (c *certificate) watch(ctx context.Context, interval time.Duration, log *zap.Logger) {
	ticks, stop := every(interval)
	defer stop()
	for {
		select {
		case <-ticks:
			c.look(log)
		case <-ctx.Done():
			return
		}
	}
}

// look loads the files if they have changed and are the same as at the last look: a program that
// writes both needs some time. Files that are no pair are reported once, and the former ones stay.
func (c *certificate) look(log *zap.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := lookAt(c.files.cert, c.files.key)
	if now.same(c.files) || !now.same(c.wanted) {
		c.wanted = now
		return
	}
	c.files = now
	pair, err := keypair.Read(now.cert, now.key)
	former := c.current.Load()
	if err != nil {
		log.Error("the new certificate is not used, the former one stays", zap.Error(err),
			zap.Time("former_expires", former.Leaf.NotAfter))
		return
	}
	c.current.Store(pair)
	if !slices.EqualFunc(pair.Certificate, former.Certificate, bytes.Equal) {
		log.Info("the certificate was replaced", zap.Strings("names", pair.Leaf.DNSNames),
			zap.Time("expires", pair.Leaf.NotAfter))
	}
}
