// Package strictjson checks JSON text without decoding it.
//
// [Check] reads a text once. It checks the encoding, the grammar, and the [Rules] of the caller.
// Its result proves the check: other code can split a [Checked] value into members and elements, or
// compare it with other rules, and needs no check of its own.
package strictjson

import (
	"bytes"
	"errors"
	"math"
)

// MaxDepth is the limit for levels of arrays and objects under all rules. encoding/json has the
// same limit, so it decodes every text that passes here.
const MaxDepth = 10_000

// Rules are the rules for a text besides the grammar. The zero Rules reject duplicate keys, and
// have no limit except MaxDepth.
type Rules struct {
	// Depth is the limit for levels of arrays and objects. 0 is MaxDepth.
	Depth int

	// Values is the limit for the number of values: the value itself, and all values inside it. Set
	// it for text that is decoded later: a decoder takes 50 bytes of memory for a value of 2 bytes.
	// 0 is no limit.
	Values int

	// DuplicateKeys accepts objects with duplicate keys. Parsers disagree about which of the two
	// values counts (RFC 8259, section 4), so a check of one value does not protect a parser that
	// uses the other. Accept them only if no decision depends on the value.
	DuplicateKeys bool
}

// Checked is the text of one JSON value that obeys rules, without space around it. The zero Checked
// is no value: its Kind is None. A Checked shares the memory of the text, which must not change.
type Checked struct {
	text   []byte
	values uint32  // at most
	depth  uint16  // at most
	unique bool    // no duplicate keys
	parts  *[]part // positions of its members or elements, nil if Check did not record them
}

// Check checks that text is one JSON value in UTF-8 that obeys the rules. Space around it is
// allowed. The error is an *Error, for the first fault in the text.
func Check(text []byte, r Rules) (Checked, error) { return check(text, r, false) }

// Split is Check for an object or array whose members or elements the caller reads afterwards. It
// records their positions, so that Members and Elements do not read the text again.
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

// Element is one element of an array in SplitElements.
type Element struct {
	Value Checked // the zero Checked if the element breaks a rule
	Err   *Error  // the first broken rule, with its path in the element, or nil
}

// ErrTooMany is the error of SplitElements for an array with more elements than its limit. An
// *Error for more values than Rules.Values is ErrTooMany too.
var ErrTooMany = errors.New("too many elements")

// SplitElements checks an array of at most limit elements. It applies the rules to each element
// separately: if one breaks a rule, the others are still valid. It records the positions of the
// parts of each element, as Split does. The error is ErrTooMany, or an *Error if text is not an
// array in JSON and UTF-8.
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

// Clone returns a copy of the value that shares no memory with it.
func (c Checked) Clone() Checked {
	c.text = bytes.Clone(c.text)
	return c
}

// Is reports whether text is the same memory as that of c, so that c proves the check of text.
func (c Checked) Is(text []byte) bool {
	return len(text) > 0 && len(text) == len(c.text) && &text[0] == &c.text[0]
}

// Obeys reports whether the value certainly obeys other rules. A part of a value is one level less
// deep than the whole, and counts with as many values as the whole.
func (c Checked) Obeys(r Rules) bool {
	return c.text != nil && int(c.depth) <= r.depth() && int(c.values) <= r.values() &&
		(c.unique || r.DuplicateKeys)
}

// Kind is the kind of a value.
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

// Kind returns the kind of the value.
func (c Checked) Kind() Kind { return KindOf(c.text) }

// KindOf returns the kind of value that a text begins with. It does not check the text.
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
