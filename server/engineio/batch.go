package engineio

import (
	"encoding/base64"
	"time"
)

// Batch collects messages that leave with one write. A [Source] appends to it; the form of the transport
// (WebSocket frames or packets of a polling payload) is the batch's business. It is valid during Pull only.
type Batch struct {
	polling bool
	limit   int // bytes at which the batch is full
	n       int // bytes appended
	since   time.Time

	segs [][]byte // what is to be written, in order, before buf[mark:]
	buf  []byte
	mark int
}

// shareMin is the size from which a frame is written from where it is instead of being copied: a slow reader
// then pins the frame that all share, not a copy of its own.
const shareMin = 16 << 10

// Frame appends a frame. It is copied only if it is small and others share its write.
func (b *Batch) Frame(f *Frame) {
	if !b.polling {
		b.share(f.wire)
		return
	}
	b.separate()
	b.copy(f.wire[f.text.from-1 : f.text.to]) // with the packet type that stands before the text
	for _, a := range f.bins {
		b.base64(f.wire[a.from:a.to])
	}
}

// Text appends one text message, the concatenation of parts. It copies them.
func (b *Batch) Text(parts ...[]byte) { b.packet(packetMessage, parts...) }

// Binary appends one binary message. It copies p.
func (b *Batch) Binary(p []byte) {
	if b.polling {
		b.base64(p)
		return
	}
	b.unshare()
	b.header(opBinary, len(p))
	b.copy(p)
}

// Full reports whether the batch has reached the bytes that leave with one write. A single message may be larger.
func (b *Batch) Full() bool { return b.n >= b.limit }

// Since notes that something in the batch has been on its way since t. The first call counts, as messages come in
// their order.
func (b *Batch) Since(t time.Time) {
	if b.since.IsZero() {
		b.since = t
	}
}

// packet appends one packet of any type.
func (b *Batch) packet(kind byte, parts ...[]byte) {
	if b.polling {
		b.separate()
	} else {
		size := 1
		for _, p := range parts {
			size += len(p)
		}
		b.unshare()
		b.header(opText, size)
	}
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

func (b *Batch) separate() {
	if b.n > 0 {
		b.buf = append(b.buf, separator)
		b.n++
	}
}

func (b *Batch) base64(p []byte) {
	b.separate()
	before := len(b.buf)
	b.buf = append(b.buf, packetBinary)
	b.buf = base64.StdEncoding.AppendEncode(b.buf, p)
	b.n += len(b.buf) - before
}

func (b *Batch) copy(p []byte) {
	b.buf = append(b.buf, p...)
	b.n += len(p)
}

// share appends bytes that outlive the batch: without a copy when they are the first, which is the usual case
// of one broadcast, or large.
func (b *Batch) share(p []byte) {
	if b.n == 0 || len(p) >= shareMin {
		b.unshare()
		b.cut()
		b.segs = append(b.segs, p)
		b.n += len(p)
		return
	}
	b.unshare()
	b.copy(p)
}

// unshare copies a small first frame once it is no longer alone, so that the write stays one piece.
func (b *Batch) unshare() {
	if len(b.segs) == 1 && len(b.buf) == 0 && len(b.segs[0]) < shareMin {
		b.buf = append(b.buf, b.segs[0]...)
		b.segs = b.segs[:0]
	}
}

// cut closes the copied part. Growing buf later leaves the bytes of earlier parts where they are.
func (b *Batch) cut() {
	if len(b.buf) > b.mark {
		b.segs = append(b.segs, b.buf[b.mark:len(b.buf):len(b.buf)])
		b.mark = len(b.buf)
	}
}

// segments returns everything appended, in order.
func (b *Batch) segments() [][]byte {
	b.cut()
	return b.segs
}

// reset empties the batch for its next use.
func (b *Batch) reset(polling bool, limit int) {
	clear(b.segs)
	*b = Batch{polling: polling, limit: limit, segs: b.segs[:0], buf: b.buf[:0]}
}
