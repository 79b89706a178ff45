package pywire

import (
	"math"
	"math/big"
	"slices"
	"strconv"
)

// pop removes the last n values from the stack. It returns nil after an error.
func (p *pickle) pop(n int) []*value {
	from := len(p.stack) - n
	if from < 0 || slices.ContainsFunc(p.stack[from:], (*value).isMark) {
		p.fail("takes more values from the stack than there are")
		return nil
	}
	return p.cut(from, from)
}

// popMark removes the values after the last mark, and the mark.
func (p *pickle) popMark() []*value {
	for at := len(p.stack) - 1; at >= 0; at-- {
		if p.stack[at].isMark() {
			return p.cut(at, at+1)
		}
	}
	p.fail("has no mark on the stack")
	return nil
}

// cut returns the values from an index on, and shortens the stack.
func (p *pickle) cut(length, from int) []*value {
	values := slices.Clone(p.stack[from:])
	p.stack = p.stack[:length]
	return values
}

// top returns the last value of the stack, or nil after an error.
func (p *pickle) top() *value {
	if n := len(p.stack); n > 0 && !p.stack[n-1].isMark() {
		return p.stack[n-1]
	}
	p.fail("has no value on the stack")
	return nil
}

func (p *pickle) tuple(items []*value) { p.push(&value{kind: kindTuple, items: items}) }

// extend adds values to the list or dict on the stack.
func (p *pickle) extend(of kind, items []*value) {
	to := p.top()
	switch {
	case p.err != nil:
	case to.kind != of:
		p.fail("adds to %s, expected %s", to.describe(), kindNames[of])
	case of == kindDict && len(items)%2 > 0:
		p.fail("has a key without a value")
	default:
		to.items = append(to.items, items...)
	}
}

// put notes the value on the stack. Each value needs one place at most.
func (p *pickle) put(place uint64) {
	if v := p.top(); p.err == nil {
		p.memo[place] = v
		if len(p.memo) > p.steps {
			p.fail("notes more values than it has")
		}
	}
}

func (p *pickle) get(place uint64) {
	v := p.memo[place]
	if v == nil {
		p.fail("names a value that it has not noted")
		return
	}
	p.push(v)
}

// long pushes an integer in two's complement, the lowest byte first.
func (p *pickle) long(raw []byte) {
	bytes := slices.Clone(raw)
	slices.Reverse(bytes)
	n := new(big.Int).SetBytes(bytes)
	if len(bytes) > 0 && bytes[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(bytes))))
	}
	p.push(&value{kind: kindInt, raw: n.Append(nil, 10)})
}

// appendFloat appends a number as encoding/json does.
func appendFloat(dst []byte, f float64) []byte {
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, 64)
}
