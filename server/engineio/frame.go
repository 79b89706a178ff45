package engineio

import (
	"encoding/base64"
	"sync"
)

// Frame is one message (a text and its binary attachments, or binary alone), encoded once for any
// number of sessions. It is immutable and safe for concurrent use.
type Frame struct {
	wire []byte // WebSocket frames of the text (with packet type) and of each attachment
	text span
	bins []span

	once    sync.Once
	encoded [][]byte // the attachments as packets of text; made when a session needs them
}

type span struct{ from, to int }

// NewFrame encodes text, which must be valid UTF-8 without U+001E, and attachments. It copies all
// of them.
func NewFrame(text []byte, attachments ...[]byte) *Frame {
	size := maxHeader + 1 + len(text)
	for _, a := range attachments {
		size += maxHeader + len(a)
	}
	f := &Frame{wire: make([]byte, 0, size)}
	f.wire = appendHeader(f.wire, opText, 1+len(text))
	f.wire = append(f.wire, packetMessage)
	f.text.from = len(f.wire)
	f.wire = append(f.wire, text...)
	f.text.to = len(f.wire)
	for _, a := range attachments {
		f.wire = appendHeader(f.wire, opBinary, len(a))
		from := len(f.wire)
		f.wire = append(f.wire, a...)
		f.bins = append(f.bins, span{from, len(f.wire)})
	}
	return f
}

// NewBinaryFrame encodes one binary message, which it copies.
func NewBinaryFrame(data []byte) *Frame {
	f := &Frame{wire: make([]byte, 0, maxHeader+len(data))}
	f.wire = appendHeader(f.wire, opBinary, len(data))
	from := len(f.wire)
	f.wire = append(f.wire, data...)
	f.bins = []span{{from, len(f.wire)}}
	return f
}

// hasText reports whether the frame begins with a text.
func (f *Frame) hasText() bool { return f.text.to > 0 }

// base64 returns the attachments as packets of text.
func (f *Frame) base64() [][]byte {
	f.once.Do(func() {
		f.encoded = make([][]byte, len(f.bins))
		for i, a := range f.bins {
			p := make([]byte, 1, 1+base64.StdEncoding.EncodedLen(a.to-a.from))
			p[0] = packetBinary
			f.encoded[i] = base64.StdEncoding.AppendEncode(p, f.wire[a.from:a.to])
		}
	})
	return f.encoded
}

// Size returns the number of bytes in the frame, including WebSocket headers.
func (f *Frame) Size() int { return len(f.wire) }

// Binary returns attachment i, or the message of NewBinaryFrame as the first. It must not be changed.
func (f *Frame) Binary(i int) []byte { return f.wire[f.bins[i].from:f.bins[i].to:f.bins[i].to] }

// Text returns the text of the message, without the packet type. It must not be changed.
func (f *Frame) Text() []byte { return f.wire[f.text.from:f.text.to:f.text.to] }

// Opcodes of RFC 6455 section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// maxHeader is the maximum length of the header of an unmasked WebSocket frame.
const maxHeader = 10

// appendHeader appends the header of one unfragmented, unmasked frame (RFC 6455 section 5.2).
func appendHeader(dst []byte, opcode byte, n int) []byte {
	switch {
	case n < 126:
		return append(dst, 0x80|opcode, byte(n))
	case n < 1<<16:
		return append(dst, 0x80|opcode, 126, byte(n>>8), byte(n))
	default:
		u := uint64(n)
		return append(dst, 0x80|opcode, 127, byte(u>>56), byte(u>>48), byte(u>>40), byte(u>>32),
			byte(u>>24), byte(u>>16), byte(u>>8), byte(u))
	}
}
