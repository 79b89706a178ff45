package server

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"
)

// drainPause is the longest time between the ends of two connections of a transport, so that a
// server with few clients does not take the whole DrainTimeout.
const drainPause = 250 * time.Millisecond

// drain ends everything in an order that loses nothing: first readiness and publishes, then the
// connections, then the running requests. A publish that was accepted reaches all connections that
// its receipt counts. Later ones, and requests for tickets, are refused, because neither outlives
// the process. With Options.Stored both do, so they are accepted as long as there are requests.
func (s *Service) drain(ctx context.Context, srv *http.Server) error {
	s.health.draining.Store(true)
	if !s.o.Stored {
		s.o.Hub.Drain()
		if s.o.Tickets != nil {
			s.o.Tickets.Close()
		}
	}
	settings, start := s.settings.load(), time.Now()
	timeout := settings.drainTimeout
	sockets, streams := s.o.SocketIO.Sessions(), s.o.Streams.Len()
	s.o.Log.Info("draining", zap.Duration("timeout", timeout), zap.Int("sockets", sockets),
		zap.Int("streams", streams))
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	// The last fifth is for the last connections, which may read slowly.
	err := s.close(ctx, pace{timeout * 4 / 5, settings.drainRate})
	if shutdown := srv.Shutdown(ctx); shutdown != nil {
		err = errors.Join(err, shutdown, srv.Close())
	}
	if s.o.Webhooks != nil {
		s.o.Webhooks.Drain(ctx) // the last requests have ended, so no event follows
	}
	s.o.Hub.Close()
	if err != nil {
		s.o.Log.Warn("drain timeout: some connections were cut", zap.Error(err))
	}
	s.o.Log.Info("drained", zap.Int("sockets", sockets), zap.Int("streams", streams),
		zap.Bool("complete", err == nil), zap.Duration("after", time.Since(start)))
	return nil
}

// pace is how fast a drain closes connections.
type pace struct {
	most time.Duration
	rate int // connections per second; 0: the time alone decides
}

// over returns the time for those connections of a kind, of so many connections in all.
func (p pace) over(kind, all int) time.Duration {
	spread := min(p.most, time.Duration(kind)*drainPause)
	if p.rate > 0 {
		spread = min(spread, time.Duration(all)*time.Second/time.Duration(p.rate))
	}
	return spread
}

// resignTimeout is how long a drain waits until the other nodes know that one of them leads now.
const resignTimeout = time.Second

// resign lets another node report users and channels, because this one reports none from now on.
func (s *Service) resign(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, resignTimeout)
	defer cancel()
	s.o.Hub.Resign(ctx)
}

// close ends the connections of both transports, and the streams and upgraded connections of the
// application of UPSTREAM_URL, each kind evenly over its time.
func (s *Service) close(ctx context.Context, p pace) error {
	if s.updates != nil {
		s.updates.Stop()
	}
	s.resign(ctx)
	s.presence.Stop() // a drain is no absence: clients reconnect
	if s.o.Webhooks != nil {
		s.o.Webhooks.Stopping()
	}
	sockets, streams := s.o.SocketIO.Sessions(), s.o.Streams.Len()
	var application sync.WaitGroup
	defer application.Wait()
	if s.o.Hooks != nil {
		defer s.o.Hooks.Close() // after the handlers of the last events
	}
	each := func(n int) time.Duration { return p.over(n, n) }
	if s.upstream != nil {
		application.Go(func() { s.upstream.drain(ctx, each) })
	}
	if s.o.Forward != nil {
		application.Go(func() { s.o.Forward.Drain(ctx, each) })
	}
	streamed := make(chan error, 1)
	go func() { streamed <- s.o.Streams.Drain(ctx, p.over(streams, sockets+streams)) }()
	err := s.o.SocketIO.Drain(ctx, p.over(sockets, sockets+streams))
	return errors.Join(err, <-streamed)
}

// endWebhooks ends the webhooks at once.
func (s *Service) endWebhooks() {
	if s.o.Webhooks != nil {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.o.Webhooks.Drain(ctx)
	}
}
