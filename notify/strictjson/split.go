package strictjson

import (
	"iter"
	"slices"
)

// Member is one member of an object.
type Member struct {
	Name    string // the key, decoded
	NameErr error  // ErrSurrogate for half a surrogate pair in the key, which is U+FFFD in Name
	Key     []byte // the key as it is in the text, with its quotes
	Value   Checked
}

// Members returns the members of an object in the order of the text. Other kinds of values have none.
func (c Checked) Members() iter.Seq[Member] {
	return func(yield func(Member) bool) {
		if c.Kind() != Object {
			return
		}
		for p := range c.split() {
			m := Member{Key: c.text[p.key:p.keyEnd:p.keyEnd], Value: c.part(p)}
			m.Name, m.NameErr = decodeString(m.Key)
			if !yield(m) {
				return
			}
		}
	}
}

// Elements returns the elements of an array in the order of the text. Other kinds of values have none.
func (c Checked) Elements() iter.Seq[Checked] {
	return func(yield func(Checked) bool) {
		if c.Kind() != Array {
			return
		}
		for p := range c.split() {
			if !yield(c.part(p)) {
				return
			}
		}
	}
}

// part is the place of a member or an element in its object or array. An element has no key.
type part struct{ key, keyEnd, from, to int32 }

// maxParts is up to how many parts are noted: more are looked for again, which takes no memory.
const maxParts = 64

func (p *part) move(by int32) {
	p.key, p.keyEnd, p.from, p.to = p.key+by, p.keyEnd+by, p.from+by, p.to+by
}

// part returns a value inside c.
func (c Checked) part(p part) Checked {
	// c is an array or object, so its depth is 1 at least.
	return Checked{text: c.text[p.from:p.to:p.to], values: c.values, depth: c.depth - 1, unique: c.unique}
}

// split returns the places of the parts of an array or object: those that were noted or those that it finds.
func (c Checked) split() iter.Seq[part] {
	if c.parts != nil {
		return slices.Values(c.parts)
	}
	return func(yield func(part) bool) {
		closer := c.text[0] + 2 // ']' of '[', '}' of '{'
		for i := skipSpace(c.text, 1); c.text[i] != closer; i = skipSpace(c.text, i) {
			if c.text[i] == ',' {
				i = skipSpace(c.text, i+1)
			}
			var p part
			if closer == '}' {
				end := stringEnd(c.text, i)
				p.key, p.keyEnd = int32(i), int32(end)
				i = skipSpace(c.text, skipSpace(c.text, end)+1) // over the colon
			}
			p.from, i = int32(i), valueEnd(c.text, i)
			if p.to = int32(i); !yield(p) {
				return
			}
		}
	}
}

// valueEnd returns the index behind the valid value that starts at i.
func valueEnd(b []byte, i int) int {
	for depth := 0; ; {
		switch b[i] {
		case '"':
			i = stringEnd(b, i)
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

// stringEnd returns the index behind the valid string that starts at i.
func stringEnd(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}
