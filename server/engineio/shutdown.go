package engineio

import (
	"context"
	"math/rand/v2"
	"time"
)

// Shutdown refuses new sessions with 503, then closes the present ones, each after what it has queued was
// written. It closes at most 1,000 in 100 ms, in random order, so that the clients do not all come back to other
// servers at once; faster if ctx's deadline asks for it. It returns nil when all are gone, or ctx's error after
// it cut off those that were left.
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

	sessions := s.snapshot() // maps have no order
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

// closeSpread closes sessions in groups with a pause of random length between them.
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
