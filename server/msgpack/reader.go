package msgpack

import (
	"encoding/binary"
	"unicode/utf8"
)

// kind is the kind of a value.
type kind uint8

const (
	kindNil kind = iota
	kindBool
	kindUint
	kindInt
	kindFloat
	kindString
	kindBinary
	kindArray
	kindMap
	kindExt
	kindUndefined
)

// Reader reads the values of a message, one after the other. It trusts no length: it allocates
// nothing for one, and each element of an array takes at least a byte of the message. After an error
// all methods return zero values.
type Reader struct {
	data []byte
	i    int
	err  error
}

// NewReader returns a Reader of a message, whose memory the results share.
func NewReader(data []byte) *Reader { return &Reader{data: data} }

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Len returns the number of bytes that are left.
func (r *Reader) Len() int { return len(r.data) - r.i }

func (r *Reader) fail(err error) {
	if r.err == nil {
		r.err, r.i = err, len(r.data)
	}
}

// Map reads the header of a map and returns the number of its members.
func (r *Reader) Map() int {
	h := r.header()
	if h.kind != kindMap {
		r.fail(ErrType)
		return 0
	}
	return int(h.n)
}

// String reads a string.
func (r *Reader) String() string {
	h := r.header()
	if h.kind != kindString {
		r.fail(ErrType)
		return ""
	}
	text := r.take(h.n)
	if !utf8.Valid(text) {
		r.fail(ErrText)
	}
	return string(text)
}

// Uint reads an integer that is not negative.
func (r *Reader) Uint() uint64 {
	h := r.header()
	if h.kind != kindUint {
		r.fail(ErrType)
	}
	return h.n
}

// Raw reads a value of any kind and returns its bytes, or nil for undefined.
func (r *Reader) Raw() []byte {
	start := r.i
	first := r.header()
	r.skip(first)
	if r.err != nil || first.kind == kindUndefined {
		return nil
	}
	return r.data[start:r.i:r.i]
}

// skip moves to the end of a value. It does not recurse.
func (r *Reader) skip(h header) {
	for left := uint64(1); ; h = r.header() {
		left--
		switch h.kind {
		case kindString, kindBinary, kindExt:
			r.take(h.n)
		case kindArray:
			left += h.n
		case kindMap:
			left += 2 * h.n
		}
		if r.err != nil || left == 0 {
			return
		}
	}
}

// header is the first part of a value.
type header struct {
	kind kind
	n    uint64 // a number, its bits, or the number of bytes, elements or members
	ext  int8   // type of an extension
	wide bool   // a float with 64 bits
}

// take returns the next n bytes.
func (r *Reader) take(n uint64) []byte {
	if n > uint64(r.Len()) {
		r.fail(ErrTruncated)
		return nil
	}
	start := r.i
	r.i += int(n)
	return r.data[start:r.i:r.i]
}

// uint returns the next bytes as a number.
func (r *Reader) uint(bytes int) uint64 {
	var padded [8]byte
	copy(padded[8-bytes:], r.take(uint64(bytes)))
	return binary.BigEndian.Uint64(padded[:])
}

// header reads the first part of a value.
func (r *Reader) header() header {
	first := r.take(1)
	if first == nil {
		r.fail(ErrTruncated)
		return header{}
	}
	switch b := first[0]; {
	case b < fixMap:
		return header{kind: kindUint, n: uint64(b)}
	case b < fixArray:
		return header{kind: kindMap, n: uint64(b & 0xf)}
	case b < fixStr:
		return header{kind: kindArray, n: uint64(b & 0xf)}
	case b < codeNil:
		return header{kind: kindString, n: uint64(b & 0x1f)}
	case b >= negativeFix:
		return header{kind: kindInt, n: uint64(int64(int8(b)))}
	default:
		return r.long(b)
	}
}

// long reads the rest of the first part of a value that begins with a code.
func (r *Reader) long(code byte) header {
	switch code {
	case codeNil:
		return header{kind: kindNil}
	case codeFalse, codeTrue:
		return header{kind: kindBool, n: uint64(code - codeFalse)}
	case codeBin8, codeBin16, codeBin32:
		return header{kind: kindBinary, n: r.uint(1 << (code - codeBin8))}
	case codeExt8, codeExt16, codeExt32:
		return r.extension(r.uint(1 << (code - codeExt8)))
	case codeFixExt1, codeFixExt2, codeFixExt4, codeFixExt8, codeFixExt16:
		return r.fixExtension(1 << (code - codeFixExt1))
	case codeFloat32, codeFloat64:
		return header{kind: kindFloat, n: r.uint(4 << (code - codeFloat32)), wide: code == codeFloat64}
	case codeUint8, codeUint16, codeUint32, codeUint64:
		return header{kind: kindUint, n: r.uint(1 << (code - codeUint8))}
	case codeInt8, codeInt16, codeInt32, codeInt64:
		return r.signed(1 << (code - codeInt8))
	case codeStr8, codeStr16, codeStr32:
		return header{kind: kindString, n: r.uint(1 << (code - codeStr8))}
	case codeArray16, codeArray32:
		return header{kind: kindArray, n: r.uint(2 << (code - codeArray16))}
	case codeMap16, codeMap32:
		return header{kind: kindMap, n: r.uint(2 << (code - codeMap16))}
	}
	r.fail(ErrFormat)
	return header{}
}

func (r *Reader) signed(bytes int) header {
	shift := 64 - 8*bytes
	n := int64(r.uint(bytes)<<shift) >> shift
	if n >= 0 {
		return header{kind: kindUint, n: uint64(n)}
	}
	return header{kind: kindInt, n: uint64(n)}
}

// extension reads the type of an extension. Type 0 of notepack.io is an ArrayBuffer.
func (r *Reader) extension(n uint64) header {
	ext := int8(r.uint(1))
	if ext == 0 {
		return header{kind: kindBinary, n: n}
	}
	return header{kind: kindExt, n: n, ext: ext}
}

// fixExtension is extension for one of a fixed size. Of these, type 0 is undefined with one byte.
func (r *Reader) fixExtension(n uint64) header {
	ext := int8(r.uint(1))
	if ext == 0 && n == 1 {
		r.take(1)
		return header{kind: kindUndefined}
	}
	return header{kind: kindExt, n: n, ext: ext}
}
