package pywire

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The protocols of pickles: Python 3 writes 3, 4 or 5 by default.
const minProtocol, maxProtocol = 2, 5

// maxSteps bounds what is pushed on the stack: a value, a key for it, and a mark for two of them.
const maxSteps = 3 * maxValues

// pickle reads one pickle. Its methods do nothing after an error.
type pickle struct {
	in, rest []byte
	stack    []*value
	memo     map[uint64]*value
	steps    int
	err      error
}

// unpickle returns the value of a pickle.
func unpickle(payload []byte) (*value, error) {
	p := &pickle{in: payload, rest: payload, memo: map[uint64]*value{}}
	if op, protocol := p.byte(), p.byte(); p.err == nil &&
		(op != opProto || protocol < minProtocol || protocol > maxProtocol) {
		p.fail("is of protocol %d, expected %d to %d", protocol, minProtocol, maxProtocol)
	}
	for p.err == nil {
		op := p.byte()
		if p.err == nil && op == opStop {
			return p.end()
		}
		p.step(op)
	}
	return nil, p.err
}

// end returns the value on the stack.
func (p *pickle) end() (*value, error) {
	switch {
	case len(p.rest) > 0:
		p.fail("has %d bytes after its end", len(p.rest))
	case len(p.stack) != 1 || p.stack[0].kind == kindMark:
		p.fail("ends with another number of values than one")
	}
	if p.err != nil {
		return nil, p.err
	}
	return p.stack[0], nil
}

func (p *pickle) fail(format string, args ...any) {
	if p.err == nil {
		p.err = skip("pickle", format, args...)
	}
}

// step carries out an opcode.
func (p *pickle) step(op byte) {
	switch op {
	case opMark:
		p.push(&value{})
	case opFrame:
		if n := p.uint(8); p.err == nil && n > uint64(len(p.rest)) {
			p.fail("has a frame that is longer than the message")
		}
	case opEmptyList:
		p.push(&value{kind: kindList})
	case opEmptyDict:
		p.push(&value{kind: kindDict})
	case opEmptyTuple:
		p.push(&value{kind: kindTuple})
	case opTuple1, opTuple2, opTuple3:
		p.tuple(p.pop(int(op) - opTuple1 + 1))
	case opTuple:
		p.tuple(p.popMark())
	case opAppend:
		p.extend(kindList, p.pop(1))
	case opAppends:
		p.extend(kindList, p.popMark())
	case opSetItem:
		p.extend(kindDict, p.pop(2))
	case opSetItems:
		p.extend(kindDict, p.popMark())
	case opBinPut:
		p.put(p.uint(1))
	case opLongBinPut:
		p.put(p.uint(4))
	case opMemoize:
		p.put(uint64(len(p.memo)))
	case opBinGet:
		p.get(p.uint(1))
	case opLongBinGet:
		p.get(p.uint(4))
	default:
		p.scalar(op)
	}
}

// scalar pushes a value that has no others in it.
func (p *pickle) scalar(op byte) {
	switch op {
	case opNone:
		p.push(&value{kind: kindNone})
	case opNewTrue:
		p.push(&value{kind: kindBool, raw: []byte("true")})
	case opNewFalse:
		p.push(&value{kind: kindBool, raw: []byte("false")})
	case opBinInt:
		p.int(int64(int32(p.uint(4))))
	case opBinInt1:
		p.int(int64(p.uint(1)))
	case opBinInt2:
		p.int(int64(p.uint(2)))
	case opLong1:
		p.long(p.take(p.uint(1)))
	case opBinFloat:
		p.float()
	case opShortUnicode:
		p.text(p.take(p.uint(1)))
	case opBinUnicode:
		p.text(p.take(p.uint(4)))
	case opBinUnicode8:
		p.text(p.take(p.uint(8)))
	case opShortBinBytes:
		p.push(&value{kind: kindBytes, raw: p.take(p.uint(1))})
	case opBinBytes:
		p.push(&value{kind: kindBytes, raw: p.take(p.uint(4))})
	case opBinBytes8:
		p.push(&value{kind: kindBytes, raw: p.take(p.uint(8))})
	case opLong4:
		p.fail("holds an integer of more than 255 bytes")
	default:
		at := len(p.in) - len(p.rest) - 1
		if strings.IndexByte(objectOpcodes, op) >= 0 {
			p.fail("holds a Python object (opcode 0x%02x at byte %d), expected None, bool, int, "+
				"float, str, bytes, list, tuple and dict only", op, at)
		}
		p.fail("has the unknown opcode 0x%02x at byte %d", op, at)
	}
}

// take returns the next n bytes. They share the memory of the payload.
func (p *pickle) take(n uint64) []byte {
	if p.err == nil && n > uint64(len(p.rest)) {
		p.fail("ends too early")
	}
	if p.err != nil {
		return nil
	}
	b := p.rest[:n:n]
	p.rest = p.rest[n:]
	return b
}

func (p *pickle) byte() byte { return byte(p.uint(1)) }

// uint reads n bytes, at most 8, the lowest first.
func (p *pickle) uint(n uint64) uint64 {
	var b [8]byte
	copy(b[:], p.take(n))
	return binary.LittleEndian.Uint64(b[:])
}

func (p *pickle) push(v *value) {
	if p.steps++; p.steps > maxSteps {
		p.err = tooMany("pickle")
	}
	if p.err == nil {
		p.stack = append(p.stack, v)
	}
}

func (p *pickle) int(n int64) {
	p.push(&value{kind: kindInt, raw: strconv.AppendInt(nil, n, 10)})
}

func (p *pickle) float() {
	f := math.Float64frombits(bits.ReverseBytes64(p.uint(8))) // the only number with its highest byte first
	if math.IsNaN(f) || math.IsInf(f, 0) {
		p.fail("holds infinity or NaN, which JSON does not have")
	}
	p.push(&value{kind: kindFloat, raw: appendFloat(nil, f)})
}

func (p *pickle) text(raw []byte) {
	if !utf8.Valid(raw) {
		p.fail("holds a string with half a surrogate pair, or that is not UTF-8")
	}
	p.push(&value{kind: kindText, raw: raw})
}
