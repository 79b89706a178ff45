package strictjson

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Error is a text that is refused, and where. What it says is for those who sent the text.
type Error struct {
	// Path names the value at fault in the form items[3].sku, each name shortened. It is empty for
	// the text itself.
	Path   string
	Reason string // such as `duplicate key "sku"`
}

// Error returns the path, when there is one, and the reason.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// In returns the error with name, which is what was checked, before its path: "data" makes
// data.items[3] of items[3].
func (e *Error) In(name string) *Error {
	path := e.Path
	if name != "" && path != "" && path[0] != '[' {
		path = "." + path
	}
	return &Error{name + path, e.Reason}
}

// syntax notes an error of the grammar at i. Bytes are counted from 0.
func (s *scanner) syntax(i int, expected string) int {
	if i >= len(s.text) {
		return s.fail(i, fmt.Sprintf("not valid JSON at byte %d: got the end, expected %s", len(s.text), expected))
	}
	r, size := utf8.DecodeRune(s.text[i:])
	if r == utf8.RuneError && size == 1 {
		return s.encoding(i)
	}
	return s.fail(i, fmt.Sprintf("not valid JSON at byte %d: got %q, expected %s", i, r, expected))
}

func (s *scanner) encoding(i int) int { return s.fail(i, fmt.Sprintf("not valid UTF-8 at byte %d", i)) }

// fail notes the first error.
func (s *scanner) fail(i int, reason string) int {
	if s.err == nil {
		s.err = &Error{Reason: reason}
	}
	return i
}

// result returns the error as one that is nil when there is none.
func (s *scanner) result() error {
	if s.err == nil {
		return nil
	}
	return s.err
}

// broken notes the first rule that is broken, with its place.
func (s *scanner) broken(reason string) {
	s.fault = &Error{s.path(), reason}
	if !s.tolerant {
		s.err = s.fault
	}
}

// path names the innermost place.
func (s *scanner) path() string {
	var b strings.Builder
	for n, l := range s.levels {
		if l.array {
			b.WriteString("[" + strconv.Itoa(l.index) + "]")
			continue
		}
		end := len(s.keys)
		if n+1 < len(s.levels) {
			end = s.levels[n+1].keys
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(Shorten(string(s.name(s.keys[end-1]))))
	}
	return b.String()
}

func duplicate(name []byte) string { return "duplicate key " + strconv.Quote(Shorten(string(name))) }

func tooDeep(limit int) string { return "nested more than " + plural(limit, "level") + " deep" }

func plural(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return strconv.Itoa(n) + " " + of + "s"
}

// Shorten cuts a text to 64 bytes, so that an error that shows it stays readable.
func Shorten(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
