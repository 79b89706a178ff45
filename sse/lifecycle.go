package sse

import (
	"container/heap"
	"context"
	"slices"
	"time"
)

const (
	endTick     = 10 * time.Millisecond
	endEach     = time.Millisecond // added to the time of a shutdown by each stream
	endMargin   = 5                // the last fifth of the time is for the last streams to end
	reasonStop  = "server shutting down"
	reasonIdle  = "no successful write"
	reasonGone  = "client went away"
	reasonWrite = "write failed"
	reasonPanic = "panic"
)

// Shutdown ends all streams. New streams get `overloaded`. The streams do not end all at once, so
// that their clients do not reconnect all at once: each adds 1 ms, or less if ctx has an earlier
// deadline. Shutdown returns nil when the last response has ended. When ctx ends first, it cuts the
// remaining connections and returns the error of ctx; streams that net/http writes end with their
// next write.
func (h *Handler) Shutdown(ctx context.Context) error {
	h.drain()
	running := h.running()
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
		case <-ctx.Done(): // the remaining groups end at once
		}
	}
	select {
	case <-h.empty:
		return nil
	case <-ctx.Done():
	}
	for _, s := range h.running() {
		if s.taken.Load() {
			s.wire.cut()
		}
	}
	return context.Cause(ctx)
}

// Sweep ends the streams whose last successful write (heartbeats count) is longer than inactive
// before now. It does not wait for them.
func (h *Handler) Sweep(now time.Time, inactive time.Duration) {
	limit := now.Add(-inactive).UnixNano()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.due.streams {
		if s.last.Load() < limit {
			s.stop(ending{reason: reasonIdle})
		}
	}
}

// Len returns the number of running streams.
func (h *Handler) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.due.Len()
}

func (h *Handler) running() []*stream {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.due.streams)
}

// drain makes the Handler refuse new streams.
func (h *Handler) drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.draining {
		h.draining = true
		if h.open == 0 {
			close(h.empty)
		}
	}
}

// add counts a stream, unless the Handler is draining.
func (h *Handler) add(s *stream) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining {
		return false
	}
	heap.Push(&h.due, s)
	h.open++
	return true
}

// remove uncounts a stream that has ended. Its response counts as open until closed is called.
func (h *Handler) remove(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	heap.Remove(&h.due, s.place)
	h.setTimer()
}

func (h *Handler) closed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open--
	if h.draining && h.open == 0 {
		close(h.empty)
	}
}
