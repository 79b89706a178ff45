package sse

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/roomcast/roomcast/server/sockets"
)

const (
	endEach     = time.Millisecond // added to the time of a shutdown by each stream
	endMargin   = 5                // the last fifth of the time is for the last streams to end
	reasonStop  = "server shutting down"
	reasonIdle  = "no successful write"
	reasonGone  = "client went away"
	reasonWrite = "write failed"
	reasonPanic = "panic"
	reasonToken = "token expired"
)

// Shutdown is Drain over 1 ms for each stream, or less if ctx has an earlier deadline.
func (h *Handler) Shutdown(ctx context.Context) error {
	spread := time.Duration(h.Len()) * endEach
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		spread = max(0, min(spread, left-left/endMargin))
	}
	return h.Drain(ctx, spread)
}

// Drain ends all streams, in random order and evenly over the time of spread, so that their clients
// do not reconnect all at once. New streams get `overloaded`. A stream gets everything that was
// published before its end. Drain returns nil when the last response has ended. When ctx ends
// first, it cuts the remaining connections and returns the error of ctx; streams that net/http
// writes end with their next write.
func (h *Handler) Drain(ctx context.Context, spread time.Duration) error {
	h.drain()
	running := h.running()
	rand.Shuffle(len(running), func(i, j int) { running[i], running[j] = running[j], running[i] })
	sockets.Spread(ctx, len(running), spread, h.empty, func(i int) {
		running[i].stop(ending{reason: reasonStop, drained: true})
	})
	select {
	case <-h.empty:
		return nil
	case <-ctx.Done():
	}
	if h.isEmpty() {
		return nil
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
	limit := h.at(now).mono - int64(inactive)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.due.streams {
		if s.last.Load() < limit {
			s.stop(ending{reason: reasonIdle})
		}
	}
}

// EndReason returns why the stream has ended, in the words in which Socket.IO reports the end of a
// connection, so that an observer of both transports needs only these. Functions of
// notify.Hub.OnDetach may call it.
func (s *stream) EndReason() string {
	how := s.how.Load()
	switch {
	case how == nil:
	case how.drained:
		return "server shutting down"
	case how.ordered:
		return "server namespace disconnect"
	case how.reason == reasonGone:
		return "transport close"
	case how.reason == reasonWrite:
		return "transport error"
	}
	return "forced close" // no successful write, an expired token, or too much input: see the log
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

func (h *Handler) isEmpty() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open == 0
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
