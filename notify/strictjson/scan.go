package strictjson

import (
	"slices"
	"sync"
)

// scanner reads values of one text. Its methods take the index where something begins and return
// the index behind it. With the first error they stop, and what they return counts no more.
type scanner struct {
	text  []byte
	rules Rules
	most  int // values that the rules allow

	levels []level // the open arrays and objects, the innermost last
	keys   []key   // of the open objects, those of the innermost last
	names  []byte  // keys that had to be decoded
	table  []int32 // scratch of compareKeys

	// Of the value that is read:
	deepest, values int
	parts           []part
	fault           *Error // the first broken rule

	split    bool // note the parts
	tolerant bool // read on after a broken rule, so that the end of the value is found
	err      *Error
}

// level is an open array or object.
type level struct {
	array bool
	index int // of the element in an array
	keys  int // where its keys begin in scanner.keys
}

// scanners are kept for the memory of their slices.
var scanners = sync.Pool{New: func() any { return new(scanner) }}

// newScanner returns a scanner, to be released after use.
func newScanner(text []byte, r Rules) *scanner {
	s := scanners.Get().(*scanner)
	s.text, s.rules, s.most = text, r, r.values()
	if len(text) > maxText {
		s.err = &Error{Reason: "longer than 2 GiB"}
	}
	return s
}

// maxText keeps places in a text in 32 bits.
const maxText = 1<<31 - 1

func (s *scanner) release() {
	const ordinary = 1024 // entries of a slice that is worth keeping
	if max(cap(s.levels), cap(s.keys), cap(s.names), cap(s.table)) > ordinary {
		return
	}
	s.reset()
	s.text, s.err, s.split, s.tolerant = nil, nil, false, false
	scanners.Put(s)
}

// reset prepares for another value of the text.
func (s *scanner) reset() {
	s.levels, s.keys, s.names, s.parts = s.levels[:0], s.keys[:0], s.names[:0], s.parts[:0]
	s.deepest, s.values, s.fault = 0, 0, nil
}

// checked returns the value just read.
func (s *scanner) checked(start, end int) Checked {
	c := Checked{
		text: s.text[start:end:end], values: uint32(s.values), depth: uint16(s.deepest), unique: !s.rules.DuplicateKeys,
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

// at returns the byte at i, 0 at the end: a 0 in the text fits nowhere either.
func (s *scanner) at(i int) byte {
	if i < len(s.text) {
		return s.text[i]
	}
	return 0
}

func (s *scanner) space(i int) int { return skipSpace(s.text, i) }

// value reads one value with all that is inside it. It does not recurse.
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
		s.err = &Error{Reason: tooDeep(MaxDepth)} // rules or not
	case depth > s.rules.depth() && s.fault == nil:
		s.broken(tooDeep(s.rules.depth()))
	}
	s.levels = append(s.levels, level{array: array, keys: len(s.keys)})
	s.deepest = max(s.deepest, len(s.levels))
	return s.space(i + 1)
}

// begin reads what is before a value in the innermost level: nothing, or a key and its colon.
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

// after reads what follows a value: the ends of levels, or a comma and what is before the next
// value.
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

// end checks that nothing follows.
func (s *scanner) end(i int) {
	if i = s.space(i); s.err == nil && i < len(s.text) {
		s.syntax(i, "the end")
	}
}
