package engineio

import (
	"encoding/base64"
	"time"
)

// Batch collects messages that are written together. A [Source] appends to it. The batch encodes
// them for the transport: as WebSocket frames or as packets of a polling payload. It is valid only
// during Pull.
type Batch struct {
	format format
	limit  int // bytes at which the batch is full
	n      int // bytes appended
	since  time.Time

	watchers []func(transport string) // see Watch
	segs     [][]byte                 // to write, in order, before buf[mark:]
	buf      []byte
	mark     int
}

// format is the encoding of a batch.
type format uint8

const (
	formatFrames  format = iota // WebSocket frames
	formatText                  // WebSocket frames of text: binary messages are base64
	formatPayload               // packets of a polling payload
)

// shareMin is the size from which a frame is written without a copy: a slow reader then retains the
// frame that all sessions share, not its own copy.
const shareMin = 4 << 10

// Frame appends a frame. It copies the frame only if the frame is small, and in a polling payload
// or written together with others.
func (b *Batch) Frame(f *Frame) {
	switch {
	case b.format == formatFrames, b.format == formatText && len(f.bins) == 0:
		b.share(f.wire)
		return
	case !f.hasText():
	case b.format == formatText:
		b.share(f.wire[:f.text.to])
	default:
		b.separate()
		text := f.wire[f.text.from-1 : f.text.to] // with the packet type before the text
		if len(text) >= shareMin {
			b.segment(text)
		} else {
			b.copy(text)
		}
	}
	for _, p := range f.base64() {
		b.begin(len(p))
		if len(p) >= shareMin {
			b.segment(p)
		} else {
			b.copy(p)
		}
	}
}

// Text appends one text message, the concatenation of parts. It copies them.
func (b *Batch) Text(parts ...[]byte) { b.packet(packetMessage, parts...) }

// Binary appends one binary message. It copies p.
func (b *Batch) Binary(p []byte) {
	if b.format != formatFrames {
		b.base64(p)
		return
	}
	b.unshare()
	b.header(opBinary, len(p))
	b.copy(p)
}

// Full reports whether the batch has reached the maximum size of one write. A single message may be
// larger.
func (b *Batch) Full() bool { return b.n >= b.limit }

// Since records when the server accepted a message in the batch. Only the first call counts,
// because messages are appended in order.
func (b *Batch) Since(t time.Time) {
	if b.since.IsZero() {
		b.since = t
	}
}

// Watch makes the session call f after the batch is written completely. f must be fast.
func (b *Batch) Watch(f func(transport string)) { b.watchers = append(b.watchers, f) }

// packet appends one packet of any type.
func (b *Batch) packet(kind byte, parts ...[]byte) {
	size := 1
	for _, p := range parts {
		size += len(p)
	}
	b.begin(size)
	b.buf = append(b.buf, kind)
	b.n++
	for _, p := range parts {
		b.copy(p)
	}
}

// control appends a WebSocket control frame.
func (b *Batch) control(opcode byte, data []byte) {
	b.unshare()
	b.header(opcode, len(data))
	b.copy(data)
}

func (b *Batch) header(opcode byte, n int) {
	before := len(b.buf)
	b.buf = appendHeader(b.buf, opcode, n)
	b.n += len(b.buf) - before
}

// begin starts a packet of n bytes, which the caller appends.
func (b *Batch) begin(n int) {
	if b.format == formatPayload {
		b.separate()
		return
	}
	b.unshare()
	b.header(opText, n)
}

func (b *Batch) separate() {
	if b.n > 0 {
		b.buf = append(b.buf, separator)
		b.n++
	}
}

func (b *Batch) base64(p []byte) {
	b.begin(1 + base64.StdEncoding.EncodedLen(len(p)))
	before := len(b.buf)
	b.buf = append(b.buf, packetBinary)
	b.buf = base64.StdEncoding.AppendEncode(b.buf, p)
	b.n += len(b.buf) - before
}

func (b *Batch) copy(p []byte) {
	b.buf = append(b.buf, p...)
	b.n += len(p)
}

// share appends bytes that outlive the batch, without a copy when they are large, or the first
// ones: a batch with a single broadcast is the usual case.
func (b *Batch) share(p []byte) {
	if b.n == 0 || len(p) >= shareMin {
		b.unshare()
		b.segment(p)
		return
	}
	b.unshare()
	b.copy(p)
}

// segment adds bytes that outlive the batch as a segment.
func (b *Batch) segment(p []byte) {
	b.cut()
	b.segs = append(b.segs, p)
	b.n += len(p)
}

// unshare copies a small first frame when another one follows, so that one buffer is written.
func (b *Batch) unshare() {
	if len(b.segs) == 1 && len(b.buf) == 0 && len(b.segs[0]) < shareMin {
		b.buf = append(b.buf, b.segs[0]...)
		b.segs = b.segs[:0]
	}
}

// cut ends the copied part. If buf grows later, the bytes of earlier parts do not move.
func (b *Batch) cut() {
	if len(b.buf) > b.mark {
		b.segs = append(b.segs, b.buf[b.mark:len(b.buf):len(b.buf)])
		b.mark = len(b.buf)
	}
}

// segments returns all appended bytes, in order.
func (b *Batch) segments() [][]byte {
	b.cut()
	return b.segs
}

// reset empties the batch for reuse.
func (b *Batch) reset(f format, limit int) {
	clear(b.segs)
	clear(b.watchers)
	*b = Batch{format: f, limit: limit, segs: b.segs[:0], buf: b.buf[:0], watchers: b.watchers[:0]}
}
