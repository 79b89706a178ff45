package strictjson

import (
	"slices"
	"sync"
)

// scanner reads the values of a text. Its methods take the index of the first byte of a part and
// return the index after it. After the first error the result has no meaning.
type scanner struct {
	text  []byte
	rules Rules
	most  int // limit for values

	levels []level // the open arrays and objects, the innermost last
	keys   []key   // keys of the open objects, those of the innermost last
	names  []byte  // decoded keys
	table  []int32 // hash table of compareKeys

	// State of the current value:
	deepest, values int
	parts           []part
	fault           *Error // the first broken rule

	split    bool // record the parts
	tolerant bool // after a broken rule, read on to the end of the value
	err      *Error
}

// level is an open array or object.
type level struct {
	array bool
	index int // index of the current element of an array
	keys  int // index of its first key in scanner.keys
}

// scanners reuses the memory of slices.
var scanners = sync.Pool{New: func() any { return new(scanner) }}

// newScanner returns a scanner. The caller must release it.
func newScanner(text []byte, r Rules) *scanner {
	s := scanners.Get().(*scanner)
	s.text, s.rules, s.most = text, r, r.values()
	if len(text) > maxText {
		s.err = &Error{Reason: "longer than 2 GiB"}
	}
	return s
}

// maxText is the limit for the length of a text: positions have 32 bits.
const maxText = 1<<31 - 1

func (s *scanner) release() {
	const ordinary = 1024 // largest capacity that the pool keeps
	if max(cap(s.levels), cap(s.keys), cap(s.names), cap(s.table)) > ordinary {
		return
	}
	s.reset()
	s.text, s.err, s.split, s.tolerant = nil, nil, false, false
	scanners.Put(s)
}

// reset prepares the scanner for another value of the text.
func (s *scanner) reset() {
	s.levels, s.keys, s.names, s.parts = s.levels[:0], s.keys[:0], s.names[:0], s.parts[:0]
	s.deepest, s.values, s.fault = 0, 0, nil
}

// checked returns the current value.
func (s *scanner) checked(start, end int) Checked {
	c := Checked{
		text: s.text[start:end:end], values: uint32(s.values), depth: uint16(s.deepest),
		unique: !s.rules.DuplicateKeys,
	}
	if len(s.parts) > 0 && len(s.parts) <= maxParts {
		parts := slices.Clone(s.parts)
		for i := range parts {
			parts[i].move(-int32(start))
		}
		c.parts = &parts
	}
	return c
}

// at returns the byte at i, or 0 at the end of the text. No part of JSON begins with 0.
func (s *scanner) at(i int) byte {
	if i < len(s.text) {
		return s.text[i]
	}
	return 0
}

func (s *scanner) space(i int) int { return skipSpace(s.text, i) }

// value reads one value. It does not recurse.
func (s *scanner) value(i int) int {
	for s.err == nil {
		if s.values++; s.values > s.most && s.fault == nil {
			s.broken("more than " + plural(s.most, "value"))
		}
		c := s.at(i)
		if c != '{' && c != '[' {
			i = s.scalar(i, c)
		} else if i = s.enter(i, c == '['); s.closes(i) {
			i = s.leave(i)
		} else {
			i = s.begin(i)
			continue
		}
		if i = s.after(i); len(s.levels) == 0 {
			break
		}
	}
	return i
}

// enter opens an array or object.
func (s *scanner) enter(i int, array bool) int {
	switch depth := len(s.levels) + 1; {
	case depth > MaxDepth:
		s.err = &Error{Reason: tooDeep(MaxDepth)}
	case depth > s.rules.depth() && s.fault == nil:
		s.broken(tooDeep(s.rules.depth()))
	}
	s.levels = append(s.levels, level{array: array, keys: len(s.keys)})
	s.deepest = max(s.deepest, len(s.levels))
	return s.space(i + 1)
}

// begin reads the key and the colon before a value in an object. In an array it reads nothing.
func (s *scanner) begin(i int) int {
	var p part
	if !s.levels[len(s.levels)-1].array {
		if s.at(i) != '"' {
			return s.syntax(i, "a key in quotes")
		}
		end, escaped := s.str(i)
		if s.err != nil {
			return end
		}
		s.addKey(i, end, escaped)
		p.key, p.keyEnd = int32(i), int32(end)
		if i = s.space(end); s.at(i) != ':' {
			return s.syntax(i, "':'")
		}
		i = s.space(i + 1)
	}
	if s.split && len(s.levels) == 1 && len(s.parts) <= maxParts {
		p.from = int32(i)
		s.parts = append(s.parts, p)
	}
	return i
}

// after reads the text after a value: the ends of levels, or a comma and the key of the next value.
func (s *scanner) after(i int) int {
	for len(s.levels) > 0 && s.err == nil {
		if s.split && len(s.levels) == 1 {
			s.parts[len(s.parts)-1].to = int32(i)
		}
		i = s.space(i)
		switch {
		case s.at(i) == ',':
			s.levels[len(s.levels)-1].index++
			return s.begin(s.space(i + 1))
		case s.closes(i):
			i = s.leave(i)
		default:
			s.syntax(i, "',' or "+s.closer())
		}
	}
	return i
}

// closes reports whether the innermost level ends at i.
func (s *scanner) closes(i int) bool {
	if s.levels[len(s.levels)-1].array {
		return s.at(i) == ']'
	}
	return s.at(i) == '}'
}

func (s *scanner) closer() string {
	if s.levels[len(s.levels)-1].array {
		return "']'"
	}
	return "'}'"
}

// leave closes the innermost level.
func (s *scanner) leave(i int) int {
	last := len(s.levels) - 1
	s.compareKeys()
	s.keys = s.keys[:s.levels[last].keys]
	s.levels = s.levels[:last]
	return i + 1
}

// end checks that the text ends at i.
func (s *scanner) end(i int) {
	if i = s.space(i); s.err == nil && i < len(s.text) {
		s.syntax(i, "the end")
	}
}
