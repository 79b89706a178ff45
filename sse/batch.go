package sse

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
)

const (
	maxBatch  = 8 << 10                   // bytes of one write, except for a single larger event
	shareMin  = 4 << 10                   // bytes from which an event is written without a copy
	maxPooled = 64 << 10                  // the pool keeps no larger buffer
	chunkRoom = len("00000000\r\n")       // in front of the events, for the size of the chunk
	chunkEnd  = "\r\n"                    // RFC 9112, section 7.1
	lastChunk = "0" + chunkEnd + chunkEnd // without trailers
)

// batch is the memory that a write needs. A writer frees it when it ends, so an idle stream has
// none. A slow reader keeps one batch: its events are small, or the memory of a large one belongs
// to all streams.
type batch struct {
	buf   []byte // chunkRoom, then events
	large []byte // the shared part of a large event, between buf[:mark] and buf[mark:]
	mark  int
	segs  [3][]byte // to write
	// since is when the oldest notification in buf was published; zero if that was before the
	// stream.
	since  time.Time
	traces []notify.Trace      // of the events in buf
	in     [64]notify.Delivery // pulled from the member
	i, n   int                 // in[i:n] is not in buf yet
	all    bool                // the member had no more
}

var batches = sync.Pool{New: func() any { return &batch{buf: make([]byte, chunkRoom, 1<<10)} }}

// newBatch returns an empty batch. The caller must free it.
func newBatch() *batch { return batches.Get().(*batch) }

func (b *batch) free() {
	if cap(b.buf) > maxPooled {
		return
	}
	b.clear()
	batches.Put(b)
}

// clear empties b, including deliveries that are not written.
func (b *batch) clear() {
	b.next()
	clear(b.in[b.i:b.n])
	b.i, b.n = 0, 0
}

// next drops the events after they are written.
func (b *batch) next() {
	b.buf, b.large, b.mark, b.segs = b.buf[:chunkRoom], nil, 0, [3][]byte{}
	b.since, b.all = time.Time{}, false
	clear(b.traces)
	b.traces = b.traces[:0]
}

// size returns the number of bytes of the events.
func (b *batch) size() int { return len(b.buf) - chunkRoom + len(b.large) }

// events returns the events, in segments.
func (b *batch) events() [][]byte { return b.segments(chunkRoom, b.buf) }

// segments returns buf[from:], with the large event in its place.
func (b *batch) segments(from int, buf []byte) [][]byte {
	if b.large == nil {
		b.segs[0] = buf[from:]
		return b.segs[:1]
	}
	b.segs = [3][]byte{buf[from:b.mark], b.large, buf[b.mark:]}
	return b.segs[:]
}

// chunk returns the events as a chunk (RFC 9112, section 7.1), in segments. It returns nothing if
// there are none, because an empty chunk would be the last one.
func (b *batch) chunk() [][]byte {
	n := b.size()
	if n == 0 {
		return nil
	}
	const digits = "0123456789abcdef"
	at := chunkRoom - len(chunkEnd)
	copy(b.buf[at:], chunkEnd)
	for ; n > 0; n >>= 4 {
		at--
		b.buf[at] = digits[n&0xf]
	}
	end := len(b.buf)
	b.buf = append(b.buf, chunkEnd...)
	segs := b.segments(at, b.buf)
	b.buf = b.buf[:end] // so that size does not count it
	return segs
}

// pull fetches the next deliveries after all earlier ones are in the buffer. If the member had no
// more, pull does not ask it again for this batch: the member wakes the stream for the next one.
func (b *batch) pull(m *notify.Member) {
	if b.i == b.n && !b.all {
		var more bool
		b.i = 0
		b.n, more = m.Pull(b.in[:])
		b.all = !more
	}
}

// first returns the next delivery.
func (b *batch) first() notify.Delivery {
	if b.i == b.n {
		return notify.Delivery{}
	}
	return b.in[b.i]
}

// add appends an event, with another id unless that is zero. A large event must be the first one of
// the batch.
func (b *batch) add(f *frame, n names, m *notify.Message, id notify.ID) {
	begun, shared, end := n.split(b.buf, f, m, id)
	if f.Size() < shareMin {
		b.buf = append(append(begun, shared...), end...)
		return
	}
	b.large, b.mark = shared, len(begun)
	b.buf = append(begun, end...)
}

// fits reports whether an event can be the next one of the batch.
func (b *batch) fits(f *frame) bool {
	return b.size() == 0 || f.Size() < shareMin && b.size()+f.Size() <= maxBatch
}

// pack appends deliveries until the member has no more, or until the batch is full: then more is
// true. A large event is the last one.
func (b *batch) pack(m *notify.Member, n names, log *zap.Logger) (more bool) {
	for b.size() < maxBatch && b.large == nil {
		b.pull(m)
		if b.i == b.n {
			return false
		}
		switch d := &b.in[b.i]; {
		case d.Retained != nil:
			f := n.frameOf(d.Retained.Message)
			if !b.fits(f) {
				return true
			}
			b.add(f, n, d.Retained.Message, d.Retained.ID)
		case d.Message != nil:
			f := n.frameOf(d.Message)
			if !b.fits(f) {
				return true
			}
			b.add(f, n, d.Message, notify.ID{})
			if at := d.Message.Accepted(); b.since.IsZero() && at.After(m.ConnectedAt()) {
				b.since = at
			}
			if t := d.Message.Trace; t != nil && t.Follows(m) {
				b.traces = append(b.traces, t)
			}
		case d.Gap != nil:
			log.Debug("gap", zap.String("client", m.ClientID()), zap.String("reason", d.Gap.Reason),
				zap.String("from", d.Gap.From), zap.String("to", d.Gap.To))
			b.buf = n.appendControl(b.buf, d.Gap.ID.String(), "gap", gap{"gap", d.Gap})
		case d.Recovery != nil:
			log.Debug("replayed", zap.String("client", m.ClientID()),
				zap.Int("notifications", d.Recovery.Replayed),
				zap.Bool("recovered", d.Recovery.Recovered), zap.String("from", d.Recovery.From),
				zap.String("to", d.Recovery.To))
			b.buf = n.appendControl(b.buf, d.Recovery.To, "recovery",
				recovery{"recovery", d.Recovery})
		}
		b.in[b.i] = notify.Delivery{}
		b.i++
	}
	return true
}
