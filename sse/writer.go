package sse

import (
	"fmt"
	"runtime/debug"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/sockets"
)

// The states of the writer of a stream, which is the one goroutine that pulls from the member and
// writes. A stream has no writer while there is nothing to write.
const (
	idle    = iota // no writer
	writing        // a writer runs, or the stream waits for one of the shared writers
	woken          // as writing, and there was a wake since the last pull
)

// wake makes the stream write everything that is ready. It never blocks. Any goroutine may call it.
func (s *stream) wake() { s.wakeFor(1) }

// wakeFor is wake for a message that goes to this number of streams. A stream whose message goes to
// few does not wait for a writer behind thousands whose message goes to all of them.
func (s *stream) wakeFor(audience int) {
	for {
		switch state := s.writer.Load(); {
		case state == woken, state == writing && s.writer.CompareAndSwap(writing, woken):
			if s.lane.Advances(audience) {
				s.h.writers.Advance(&s.lane, audience)
			}
			return
		case state == idle && s.writer.CompareAndSwap(idle, writing):
			s.startWriter(audience)
			return
		}
	}
}

// startWriter starts a writer. The caller has set the state.
func (s *stream) startWriter(audience int) {
	if s.wire.fd >= 0 {
		s.h.writers.Add(s, &s.lane, audience)
		return
	}
	go s.writeAll(newBatch(), step{more: true}, nil)
}

// writeStreams is the loop of one shared writer.
func (h *Handler) writeStreams() {
	b := newBatch()
	var turn sockets.Turn[*stream]
	for streams := h.writers.Next(&turn); len(streams) > 0; streams = h.writers.Next(&turn) {
		now := h.now()
		for _, s := range streams {
			b = s.writeNow(b, now)
		}
	}
	b.free()
}

// maxTurn is how many batches a shared writer writes to one stream before the others.
const maxTurn = 16

// writeNow is the work of a shared writer: it writes a few batches, as far as the connection takes
// them without waiting. A goroutine of the stream writes the rest. writeNow returns the batch for
// the next stream.
func (s *stream) writeNow(b *batch, now instant) (spare *batch) {
	defer func() {
		if v := recover(); v != nil {
			s.panicked(v)
			s.finish(ending{reason: reasonPanic}, true)
			spare = newBatch()
		}
	}()
	for range maxTurn {
		next := s.fill(b, now)
		_, rest, err := sockets.WriteNow(s.wire.fd, b.chunk())
		switch {
		case err != nil:
			s.fail(err)
			b.clear()
			return b
		case len(rest) > 0:
			go s.writeAll(b, next, rest)
			return newBatch()
		case s.wrote(b, next, now):
			return b
		case !next.more:
			s.h.writers.Again(s, &s.lane)
			return b
		}
	}
	go s.writeAll(b, step{more: true}, nil)
	return newBatch()
}

// writeAll writes rest, the unwritten part of b, and then everything else that is ready. It may
// wait for the connection, so it runs in a goroutine of the stream.
func (s *stream) writeAll(b *batch, next step, rest [][]byte) {
	defer func() {
		if v := recover(); v != nil {
			s.panicked(v)
			s.finish(ending{reason: reasonPanic}, true)
		}
	}()
	for {
		if len(rest) > 0 {
			if err := s.out.write(rest, s.h.o.WriteTimeout); err != nil {
				s.fail(err)
				break
			}
		}
		if s.wrote(b, next, s.h.now()) {
			break
		}
		next = s.fill(b, s.h.now())
		rest = s.out.frame(b)
	}
	b.free()
}

// wrote handles the end of a write. It ends the writer, unless there may be more to write, and
// reports whether it did.
func (s *stream) wrote(b *batch, next step, now instant) (ended bool) {
	if n := b.size(); n > 0 {
		s.bytes.Add(int64(n))
		s.last.Store(now.mono)
		if s.h.o.Written != nil {
			s.h.o.Written(n, b.since)
		}
		for _, t := range b.traces {
			t.Written("sse")
		}
	}
	if next.last {
		b.clear()
		s.finish(ending{}, false)
		return true
	}
	b.next()
	s.scheduleNext(now)
	return !next.more && s.writer.CompareAndSwap(writing, idle)
}

// fail ends the stream after a write that failed.
func (s *stream) fail(err error) {
	s.h.o.Log.Debug("write to a stream failed", zap.String("client", s.clientID), zap.Error(err))
	s.finish(ending{reason: reasonWrite}, true)
}

// finish ends the writer for good: the state stays unchanged, so no other writer starts. how is the
// reason unless there is one already. broken: the response is incomplete.
func (s *stream) finish(how ending, broken bool) {
	if s.finished {
		return
	}
	s.finished, s.broken = true, broken
	s.how.CompareAndSwap(nil, &how)
	if response, ok := s.out.(*response); ok {
		close(response.done)
		return
	}
	go s.end()
}

// panicked reports a panic. The panic ends one stream and not the process, as net/http does for its
// own goroutines.
func (s *stream) panicked(v any) {
	err, ok := v.(error)
	if !ok {
		err = fmt.Errorf("a value of type %T", v) // not the value, which could contain a token
	}
	s.h.o.Log.Error("panic in a stream", zap.String("client", s.clientID), zap.Error(err),
		zap.ByteString("stack", debug.Stack()))
	if s.h.o.Panicked != nil {
		s.h.o.Panicked()
	}
}
