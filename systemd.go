package main

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/server"
	"github.com/roomcast/roomcast/server/systemd"
)

// The names of the sockets that systemd can open for the server, FileDescriptorName= of their units.
const (
	httpSocket  = "http"
	adminSocket = "admin"
)

// inherit returns the settings with the addresses of the sockets of systemd.
func inherit(c config.Config, sockets map[string]net.Listener) (config.Config, error) {
	var main, admin net.Addr
	if l := sockets[httpSocket]; l != nil {
		main = l.Addr()
	}
	if l := sockets[adminSocket]; l != nil {
		admin = l.Addr()
	}
	return c.OnListeners(main, admin)
}

func closeAll(sockets map[string]net.Listener) {
	for _, l := range sockets {
		_ = l.Close() // again, for those that the service has closed
	}
}

// readyPoll is the time between two looks whether the server is ready.
const readyPoll = 100 * time.Millisecond

// closes is the status of a server that stops.
const closes = "closes the connections"

// supervisor tells systemd the state of the server. Without systemd it does nothing.
type supervisor struct {
	notifier *systemd.Notifier // nil: systemd does not ask for the state
	log      *zap.Logger
	failed   sync.Once
	waits    string // for what, as systemd knows
}

func newSupervisor(e environment, log *zap.Logger) (*supervisor, error) {
	notifier, err := systemd.NewNotifier(e.lookup)
	return &supervisor{notifier: notifier, log: log}, err
}

// note logs the first message that does not reach systemd.
func (s *supervisor) note(err error) {
	if err != nil {
		s.failed.Do(func() { s.log.Warn("systemd does not get the state", zap.Error(err)) })
	}
}

// watch tells systemd once that the server is ready, sends signs of life, and tells that the server
// stops when ctx is done. It returns when ended is closed. A server is ready when /readyz says so:
// with Type=notify, systemctl start also waits for Redis. It does not wait for the keys of an identity
// provider: systemd would end, again and again, a server that serves clients with tickets.
func (s *supervisor) watch(ctx context.Context, ended <-chan struct{}, p *instance) {
	if s.notifier == nil {
		return
	}
	var signs <-chan time.Time
	if every := s.notifier.Watchdog(); every > 0 {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		signs = ticker.C
	}
	ticker := time.NewTicker(readyPoll)
	defer ticker.Stop()
	looks, stopping := ticker.C, ctx.Done()
	if s.look(p) {
		looks = nil
	}
	for {
		select {
		case <-looks:
			if s.look(p) {
				looks = nil
			}
		case <-signs:
			p.service.Alive() // it does not return when the lock of the hub is never released
			s.note(s.notifier.Alive())
		case <-stopping:
			looks, stopping = nil, nil
			s.note(s.notifier.Stopping(closes))
		case <-ended:
			s.note(s.notifier.Stopping(closes)) // if both came at once
			return
		}
	}
}

// look reports whether the server is ready, and tells systemd.
func (s *supervisor) look(p *instance) bool {
	if err := p.service.Ready(); err != nil && !errors.Is(err, server.ErrNoKeys) {
		if s.waits != err.Error() {
			s.waits = err.Error()
			s.note(s.notifier.Status("not ready: " + s.waits))
		}
		return false
	}
	s.note(s.notifier.Ready(p.serves()))
	return true
}

// reload calls f, which reads the settings again, between the two messages that systemd expects.
func (s *supervisor) reload(p *instance, f func() error) error {
	s.note(s.notifier.Reloading())
	err := f()
	status := p.serves()
	if err != nil {
		status += "; the settings were not reloaded, see the log"
	}
	s.note(s.notifier.Reloaded(status))
	return err
}

// serves is the status of a server that is ready.
func (p *instance) serves() string { return "serves on " + p.address.String() }
