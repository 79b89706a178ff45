package engineio

import (
	"context"
	"math/rand/v2"
	"time"
)

// Shutdown refuses new sessions with 503, then closes the existing ones, each after its queue has
// been written. It closes at most 1,000 sessions in 100 ms, in random order, so that the clients do
// not all reconnect to other servers at once; it is faster if ctx's deadline requires that. It
// returns nil when all sessions have ended, or ctx's error after it has disconnected the others.
func (s *Server) Shutdown(ctx context.Context) error {
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
	s.closeSpread(ctx, sessions)
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

// closeSpread closes sessions in groups, with a pause of random length between them.
func (s *Server) closeSpread(ctx context.Context, sessions []*Session) {
	pause := shutdownPause
	if deadline, ok := ctx.Deadline(); ok {
		groups := len(sessions)/shutdownStep + 1
		pause = min(pause, max(0, time.Until(deadline)-2*closeTimeout)/time.Duration(groups))
	}
	for i, session := range sessions {
		if i > 0 && i%shutdownStep == 0 && pause > 0 {
			jitter := pause/2 + rand.N(pause)
			select {
			case <-time.After(jitter):
			case <-ctx.Done():
				return
			}
		}
		session.Close(ReasonShutdown)
	}
}
