// Package strictjson checks JSON text where it enters the program, without decoding it.
//
// [Check] reads a text once and finds every fault: of the encoding, of the grammar, and of the
// [Rules] of its caller. What it returns is proof of that: a [Checked] value can be handed on,
// split into members and elements, and compared with other rules, and nobody has to look for faults
// again.
package strictjson

import (
	"bytes"
	"errors"
	"math"
)

// MaxDepth is how many arrays and objects may be inside each other under any rules. It is the limit
// of encoding/json, so that what passes here does not fail there.
const MaxDepth = 10_000

// Rules say what is refused besides text that is no JSON in UTF-8. The zero Rules refuse duplicate
// keys and have no limit but MaxDepth.
type Rules struct {
	// Depth is how many arrays and objects may be inside each other; 0 leaves it at MaxDepth.
	Depth int

	// Values is how many values there may be, counting the value itself and, in arrays and objects,
	// each element and member. Set it where the text is decoded later: a decoder takes fifty bytes
	// of memory for a value of two bytes. 0 is no limit.
	Values int

	// DuplicateKeys accepts objects that have a key twice. Parsers disagree which of the two counts
	// (RFC 8259, section 4), so whoever checks one may be passed by the other. Accept them only
	// where no decision depends on the value.
	DuplicateKeys bool
}

// Checked is one JSON value that obeys rules, as it is in the text, without space around it. The
// zero Checked is no value: its Kind is None. A Checked shares the memory of the text, which must
// not change.
type Checked struct {
	text   []byte
	values uint32  // at most
	depth  uint16  // at most
	unique bool    // no duplicate keys
	parts  *[]part // its members or elements, nil when they were not noted
}

// Check checks that text is one JSON value in UTF-8 that obeys the rules. Space around it is
// allowed. The error is an *Error, the first in the order of the text.
func Check(text []byte, r Rules) (Checked, error) { return check(text, r, false) }

// Split is Check for an object or array that is taken apart afterwards: it notes where the members
// or elements are, so that Members and Elements need not read the text again.
func Split(text []byte, r Rules) (Checked, error) { return check(text, r, true) }

func check(text []byte, r Rules, split bool) (Checked, error) {
	s := newScanner(text, r)
	defer s.release()
	s.split = split
	start := s.space(0)
	end := s.value(start)
	s.end(end)
	if err := s.result(); err != nil {
		return Checked{}, err
	}
	return s.checked(start, end), nil
}

// Element is one element of an array that CheckElements read.
type Element struct {
	Value Checked // the zero Checked when it breaks a rule
	Err   *Error  // nil, or what is wrong, with a path that begins in the element
}

// ErrTooMany is the error of SplitElements for more elements than its limit.
var ErrTooMany = errors.New("too many elements")

// SplitElements checks that text is an array of at most limit elements, and each element by itself:
// one that breaks a rule does not spoil the others. It notes the parts of each, as Split does. The
// error is ErrTooMany or, for a text that is not JSON in UTF-8 or no array, an *Error.
func SplitElements(text []byte, limit int, r Rules) ([]Element, error) {
	s := newScanner(text, r)
	defer s.release()
	s.split, s.tolerant = true, true
	i := s.space(0)
	if s.at(i) != '[' {
		s.syntax(i, "an array")
	}
	var elements []Element
	if i = s.space(i + 1); s.at(i) == ']' {
		s.end(i + 1)
		return nil, s.result()
	}
	for s.err == nil {
		if len(elements) == limit {
			return nil, ErrTooMany
		}
		s.reset()
		end := s.value(i)
		if s.err != nil {
			break
		}
		e := Element{Err: s.fault}
		if s.fault == nil {
			e.Value = s.checked(i, end)
		}
		elements = append(elements, e)
		switch i = s.space(end); s.at(i) {
		case ',':
			i = s.space(i + 1)
		case ']':
			if s.end(i + 1); s.err == nil {
				return elements, nil
			}
		default:
			s.syntax(i, "',' or ']'")
		}
	}
	return nil, s.result()
}

// Bytes returns the text of the value. It is not a copy.
func (c Checked) Bytes() []byte { return c.text }

// Clone returns the value in memory of its own.
func (c Checked) Clone() Checked {
	c.text = bytes.Clone(c.text)
	return c
}

// Is reports whether text is the very memory that was checked, so that c is proof for it.
func (c Checked) Is(text []byte) bool {
	return len(text) > 0 && len(text) == len(c.text) && &text[0] == &c.text[0]
}

// Obeys reports whether the value is known to obey other rules than those it was checked with. A
// part of a value is known to be less deep than the whole, but not how many values it has.
func (c Checked) Obeys(r Rules) bool {
	return c.text != nil && int(c.depth) <= r.depth() && int(c.values) <= r.values() && (c.unique || r.DuplicateKeys)
}

// Kind is what a value is.
type Kind byte

// The kinds of values.
const (
	None   Kind = 0 // of the zero Checked and of an empty text
	Null   Kind = 'n'
	Bool   Kind = 't'
	Number Kind = '0'
	String Kind = '"'
	Array  Kind = '['
	Object Kind = '{'
)

// Kind returns what the value is.
func (c Checked) Kind() Kind { return KindOf(c.text) }

// KindOf returns what a text is if it is JSON, from its first byte after space. It checks nothing.
func KindOf(text []byte) Kind {
	i := skipSpace(text, 0)
	if i == len(text) {
		return None
	}
	switch first := text[i]; first {
	case '{', '[', '"', 'n':
		return Kind(first)
	case 't', 'f':
		return Bool
	}
	return Number
}

func (r Rules) depth() int {
	if r.Depth <= 0 || r.Depth > MaxDepth {
		return MaxDepth
	}
	return r.Depth
}

func (r Rules) values() int {
	if r.Values <= 0 {
		return math.MaxInt
	}
	return r.Values
}
