package sse

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
)

const (
	maxBatch  = 256 << 10 // bytes of one write, but for a single larger event
	maxPooled = 512 << 10 // a buffer that grew beyond it is not kept
)

// batch is the memory that writing takes. A stream holds one only while it writes, so idle streams cost none.
type batch struct {
	buf   []byte
	since time.Time           // when the oldest notification in buf was published; zero when that was before the stream
	in    [64]notify.Delivery // pulled from the member
	i, n  int                 // in[i:n] is not in buf yet
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// free gives b back.
func (b *batch) free() {
	if b == nil || cap(b.buf) > maxPooled {
		return
	}
	clear(b.in[b.i:b.n])
	b.buf, b.since, b.i, b.n = b.buf[:0], time.Time{}, 0, 0
	batches.Put(b)
}

func (b *batch) done() bool { return b.i == b.n }

// pull fetches the next deliveries once all before are in the buffer.
func (b *batch) pull(m *notify.Member) {
	if b.i == b.n {
		b.i, b.n = 0, m.Pull(b.in[:])
	}
}

// first returns the delivery that comes next.
func (b *batch) first() notify.Delivery {
	if b.i == b.n {
		return notify.Delivery{}
	}
	return b.in[b.i]
}

// pack appends deliveries until the member has no more or the buffer is full, which more reports.
func (b *batch) pack(m *notify.Member, n names, log *zap.Logger) (more bool) {
	for len(b.buf) < maxBatch {
		b.pull(m)
		if b.i == b.n {
			return false
		}
		switch d := &b.in[b.i]; {
		case d.Message != nil:
			f := n.frameOf(d.Message)
			if len(b.buf) > 0 && len(b.buf)+f.Size() > maxBatch {
				return true
			}
			b.buf = f.appendTo(b.buf, n.notifications)
			if at := d.Message.Accepted(); b.since.IsZero() && at.After(m.ConnectedAt()) {
				b.since = at
			}
		case d.Gap != nil:
			log.Debug("gap", zap.String("client", m.ClientID()), zap.String("reason", d.Gap.Reason),
				zap.String("from", d.Gap.From), zap.String("to", d.Gap.To))
			b.buf = n.appendControl(b.buf, d.Gap.ID.String(), "gap", gap{"gap", d.Gap})
		case d.Recovery != nil:
			log.Debug("replayed", zap.String("client", m.ClientID()), zap.Int("notifications", d.Recovery.Replayed),
				zap.Bool("recovered", d.Recovery.Recovered), zap.String("from", d.Recovery.From), zap.String("to", d.Recovery.To))
			b.buf = n.appendControl(b.buf, d.Recovery.To, "recovery", recovery{"recovery", d.Recovery})
		}
		b.in[b.i] = notify.Delivery{}
		b.i++
	}
	return true
}
