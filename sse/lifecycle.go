package sse

import (
	"context"
	"slices"
	"time"
)

const (
	endTick    = 10 * time.Millisecond
	endEach    = time.Millisecond // how much time one more stream adds to a shutdown
	endMargin  = 5                // a fifth of the time is left for the last streams to end in
	reasonStop = "server shutting down"
	reasonIdle = "no successful write"
)

// Shutdown ends all streams; new ones are told `overloaded`. It spreads the ends, so that the clients do not come back
// all at once, by 1 ms for each stream as long as ctx's deadline leaves the time for it. It returns when the last
// stream has gone, or ctx's error; then the rest end with their next write.
func (h *Handler) Shutdown(ctx context.Context) error {
	running := h.drain()
	span := time.Duration(len(running)) * endEach
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		span = max(0, min(span, left-left/endMargin))
	}
	ticks := max(1, int(span/endTick))
	ticker := time.NewTicker(endTick)
	defer ticker.Stop()
	for group := range slices.Chunk(running, max(1, (len(running)+ticks-1)/ticks)) {
		for _, s := range group {
			s.stop(ending{reason: reasonStop})
		}
		select {
		case <-ticker.C:
		case <-h.empty:
		case <-ctx.Done(): // the remaining groups go at once
		}
	}
	select {
	case <-h.empty:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Sweep ends the streams whose last successful write, heartbeats included, is longer than inactive before now. It
// does not wait for them.
func (h *Handler) Sweep(now time.Time, inactive time.Duration) {
	limit := now.Add(-inactive).UnixNano()
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.streams {
		if s.out.last.Load() < limit {
			s.stop(ending{reason: reasonIdle})
		}
	}
}

// drain refuses new streams from now on and returns the running ones.
func (h *Handler) drain() []*stream {
	h.mu.Lock()
	defer h.mu.Unlock()
	running := make([]*stream, 0, len(h.streams))
	for s := range h.streams {
		running = append(running, s)
	}
	if !h.draining {
		h.draining = true
		if len(h.streams) == 0 {
			close(h.empty)
		}
	}
	return running
}

// add counts a stream, unless the Handler is draining.
func (h *Handler) add(s *stream) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining {
		return false
	}
	h.streams[s] = struct{}{}
	return true
}

func (h *Handler) remove(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.streams, s)
	if h.draining && len(h.streams) == 0 {
		close(h.empty)
	}
}

// LastActive returns the time of the last successful write, heartbeats included.
func (s *stream) LastActive() time.Time { return time.Unix(0, s.out.last.Load()) }
