// Package server opens listeners, mounts the transports and the API on them, and drains.
package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/api"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/metrics"
	"github.com/roomcast/roomcast/server/presence"
)

// Service serves everything from one listener.
type Service struct {
	o        Options
	keys     *api.Keyring
	settings settings
	health   health
	presence *presence.Users
	updates  *presence.Connections // nil: no updates
	upstream *upstream             // nil without UPSTREAM_URL

	certificate certificate
}

// New returns a Service. Serve takes the parts over and ends them. The Hub must have no members
// yet, because the Service announces users in the channel `presence` from their first connection
// on.
func New(o Options) *Service {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Metrics == nil {
		o.Metrics = metrics.New(o.Hub)
	}
	o.Metrics.WatchMemory(o.Memory)
	if o.Forward != nil {
		o.Metrics.WatchForwards(o.Forward.Counts)
	}
	if o.AllowOrigin == nil {
		o.AllowOrigin = edge.OwnOrigin
	}
	logConnections(o.Hub, o.Log)
	var observe func(presence.Change)
	if o.Webhooks != nil {
		observe = o.Webhooks.User
	}
	s := &Service{o: o, presence: presence.AnnounceUsers(o.Hub, o.Log, observe),
		keys: api.NewKeyring(o.APIKeys, o.PublishRate, o.PublishBurst, o.Answers)}
	s.settings.set(o)
	s.health.log, s.health.keys = o.Hub.Ready, o.KeySet
	if o.ConnectionUpdates {
		s.updates = presence.AnnounceConnections(o.Hub, o.Log)
	}
	switch {
	case o.Certificates != nil:
		o.Metrics.WatchCertificate(o.Certificates.Expires)
	case o.CertFile != "":
		o.Metrics.WatchCertificate(s.certificate.expires)
	}
	if o.Upstream != nil {
		s.upstream = newUpstream(o.Upstream, o.TrustedProxies, o.Descriptors, o.Log)
	}
	return s
}

// Serve listens on address ("host:port", or "unix:" and a path) and serves until ctx is done. Then it reports not ready,
// refuses publishes, flushes and closes the connections spread over DrainTimeout, and returns nil.
// Serve calls ready, which may be nil, with the address of the listener.
func (s *Service) Serve(ctx context.Context, address string, ready func(net.Addr)) error {
	defer s.endWebhooks() // if nothing was drained
	if s.o.Certificates != nil {
		defer s.o.Certificates.Close()
	}
	if err := s.certificate.load(s.o.CertFile, s.o.KeyFile); err != nil {
		return s.failStart(ctx, nil, err)
	}
	listener, err := s.listen(ctx, address)
	if err != nil {
		return s.failStart(ctx, nil, err)
	}
	operators, err := s.startAdmin(ctx)
	if err != nil {
		return s.failStart(ctx, listener, err)
	}
	defer operators.close() // after the drain, so that metrics show it
	plain, err := s.startCertificates(ctx, listener.Addr())
	if err != nil {
		return s.failStart(ctx, listener, err)
	}
	defer plain.close()
	srv := newHTTPServer(s.Handler(), s.o.Log)
	limit.Hear(srv)
	srv.ConnState = limit.NewIdle(s.addressOf).Note
	var unheard newcomers
	if s.o.Listener != nil {
		unheard.watch(srv)
	}
	failed := make(chan error, 1)
	accepting := newCounted(listener, s.o.Descriptors, false, s.o.TrustedProxies, s.o.Log)
	go func() { failed <- s.serve(srv, accepting) }()
	defer s.watchCertificate()()
	sweep, stop := every(s.o.SweepInterval)
	defer stop()
	defer s.watchMemory()()
	look, stopLooking := every(s.lookInterval())
	defer stopLooking()
	if ready != nil {
		ready(listener.Addr())
	}
	for idleKept := true; ; {
		select {
		case now := <-sweep:
			if s.o.InactiveTimeout > 0 {
				s.o.Streams.Sweep(now, s.o.InactiveTimeout)
			}
		case <-look:
			idleKept = keepIdle(srv, s.o.Descriptors, s.o.Log, idleKept)
		case err := <-failed:
			_ = s.close(context.WithoutCancel(ctx), pace{})
			return err
		case <-ctx.Done():
			if s.o.Listener != nil {
				_ = accepting.Close() // also while it waits for free descriptors
				<-failed              // so nothing is accepted any more
				unheard.wait(min(newcomerWait, s.settings.load().drainTimeout))
			}
			return s.drain(context.WithoutCancel(ctx), srv)
		}
	}
}

// listen returns the listener of the options, or opens one.
func (s *Service) listen(ctx context.Context, address string) (net.Listener, error) {
	if s.o.Listener == nil {
		return listen(ctx, address, s.o.SocketMode)
	}
	return adopt(s.o.Listener)
}

// failStart closes the listeners, of which opened may be nil, and the parts, and returns why.
func (s *Service) failStart(ctx context.Context, opened net.Listener, err error) error {
	for _, l := range []net.Listener{opened, s.o.Listener, s.o.Admin.Listener} {
		if l != nil {
			_ = l.Close()
		}
	}
	_ = s.close(context.WithoutCancel(ctx), pace{})
	return err
}

// watchCertificate takes over certificates that are new until stop is called.
func (s *Service) watchCertificate() (stop func()) {
	if !s.certificate.isSet() || s.o.CertInterval <= 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() { s.certificate.watch(ctx, s.o.CertInterval, s.o.Log) })
	return func() { cancel(); watch.Wait() }
}

// lookInterval is the time between two looks at the number of open files; 0 without a limit.
func (s *Service) lookInterval() time.Duration {
	if s.o.Descriptors == nil {
		return 0
	}
	return 50 * time.Millisecond
}

// serve serves HTTPS when there is a certificate, else HTTP.
func (s *Service) serve(srv *http.Server, l net.Listener) error {
	switch {
	case s.o.Certificates != nil:
		return serveTLS(srv, l, s.o.Certificates.TLSConfig())
	case s.certificate.isSet():
		return serveTLS(srv, l, s.certificate.config())
	}
	return srv.Serve(l)
}

// every returns a channel that gets the time at each interval until stop is called, and nothing
// when interval is 0.
func every(interval time.Duration) (ticks <-chan time.Time, stop func()) {
	if interval <= 0 {
		return nil, func() {}
	}
	ticker := time.NewTicker(interval)
	return ticker.C, ticker.Stop
}
