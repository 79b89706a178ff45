package engineio

import (
	"context"
	"time"

	"github.com/roomcast/roomcast/server/sockets"
)

// Shutdown is Drain over 1 ms for each session, or less if ctx has an earlier deadline.
func (s *Server) Shutdown(ctx context.Context) error {
	spread := time.Duration(s.Len()) * shutdownEach
	if deadline, ok := ctx.Deadline(); ok {
		spread = max(0, min(spread, time.Until(deadline)-2*closeTimeout))
	}
	return s.Drain(ctx, spread)
}

// Drain refuses new sessions with 503, then closes the existing ones in random order, evenly over
// the time of spread, so that the clients do not all reconnect to other servers at once. Each
// session closes after everything that its queue and its source have is written. Drain returns nil
// when all sessions have ended, or ctx's error after it has disconnected the others.
func (s *Server) Drain(ctx context.Context, spread time.Duration) error {
	s.mu.Lock()
	s.draining = true
	if s.live == 0 {
		s.mu.Unlock()
		return nil
	}
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	empty := s.empty
	s.mu.Unlock()

	sessions := s.snapshot() // in random order, because it is a map's
	sockets.Spread(ctx, len(sessions), spread, empty, func(i int) {
		sessions[i].Close(ReasonShutdown)
	})
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
	}
	for _, session := range sessions {
		session.end(ending{reason: ReasonShutdown})
	}
	return ctx.Err()
}
