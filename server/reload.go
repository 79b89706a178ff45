package server

import (
	"crypto/sha256"
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
