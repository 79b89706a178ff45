package strictjson

import (
	"bytes"
	"iter"
)

// Member is one member of an object.
type Member struct {
	Name  string // the key, decoded; half a surrogate pair in it is U+FFFD
	Key   []byte // the key as it is in the text, with its quotes
	Value Checked
}

// NameErr returns ErrSurrogate if the key contains half a surrogate pair: several keys may have the
// same Name.
func (m Member) NameErr() error {
	if bytes.IndexByte(m.Key, '\\') < 0 {
		return nil
	}
	_, err := decodeString(m.Key)
	return err
}

// Members returns the members of an object in the order of the text. Other kinds of values have
// none.
func (c Checked) Members() iter.Seq[Member] {
	return func(yield func(Member) bool) {
		for s := c.split(Object); s.next(); {
			if !yield(s.member()) {
				return
			}
		}
	}
}

// IsEmptyArray reports whether the value is an array without elements, which is what PHP makes of an
// object without fields.
func (c Checked) IsEmptyArray() bool {
	if c.Kind() != Array {
		return false
	}
	for range c.Elements() {
		return false
	}
	return true
}

// Elements returns the elements of an array in the order of the text. Other kinds of values have
// none.
func (c Checked) Elements() iter.Seq[Checked] {
	return func(yield func(Checked) bool) {
		for s := c.split(Array); s.next(); {
			if !yield(s.value()) {
				return
			}
		}
	}
}

// part is the position of a member or an element. An element has no key.
type part struct{ key, keyEnd, from, to int32 }

// maxParts is the limit for recorded parts. If there are more, splitter finds them in the text.
const maxParts = 64

func (p *part) move(by int32) {
	p.key, p.keyEnd, p.from, p.to = p.key+by, p.keyEnd+by, p.from+by, p.to+by
}

// splitter iterates over the parts of an object or array: the recorded ones, or those that it finds
// in the text.
type splitter struct {
	whole Checked
	part  part
	left  []part // recorded parts after part
	i     int    // index after part; -1 at the end
}

// split returns a splitter before the first part. A value of another kind has no parts.
func (c Checked) split(kind Kind) splitter {
	switch {
	case c.Kind() != kind:
		return splitter{i: -1}
	case c.parts != nil:
		return splitter{whole: c, left: *c.parts}
	}
	return splitter{whole: c, i: 1}
}

// next moves on to the next part.
func (s *splitter) next() bool {
	if s.whole.parts == nil {
		return s.find()
	}
	if len(s.left) == 0 {
		return false
	}
	s.part, s.left = s.left[0], s.left[1:]
	return true
}

// find finds the next part in the text.
func (s *splitter) find() bool {
	if s.i < 0 {
		return false
	}
	text := s.whole.text
	i := skipSpace(text, s.i)
	switch text[i] {
	case '}', ']':
		s.i = -1
		return false
	case ',':
		i = skipSpace(text, i+1)
	}
	if text[0] == '{' {
		end := StringEnd(text, i)
		s.part.key, s.part.keyEnd = int32(i), int32(end)
		i = skipSpace(text, skipSpace(text, end)+1) // skip the colon
	}
	s.i = valueEnd(text, i)
	s.part.from, s.part.to = int32(i), int32(s.i)
	return true
}

func (s *splitter) member() Member {
	p := s.part
	m := Member{Key: s.whole.text[p.key:p.keyEnd:p.keyEnd], Value: s.value()}
	m.Name, _ = decodeString(m.Key)
	return m
}

// value returns the part. Its depth is not negative: whole is an array or object.
func (s *splitter) value() Checked {
	w, p := &s.whole, s.part
	return Checked{
		text: w.text[p.from:p.to:p.to], values: w.values, depth: w.depth - 1, unique: w.unique,
	}
}

// valueEnd returns the index after the valid value that starts at i.
func valueEnd(b []byte, i int) int {
	for depth := 0; ; {
		switch b[i] {
		case '"':
			i = StringEnd(b, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\t', '\r', '\n':
			i++
			continue
		default: // a number, true, false or null
			for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && !isSpace(b[i]) {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
}
