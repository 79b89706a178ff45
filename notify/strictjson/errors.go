package strictjson

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Error is the error for a text that breaks the grammar or a rule. Its text is for the sender.
type Error struct {
	// Path is the path of the value, such as items[3].sku, with shortened names. It is empty for
	// the whole text.
	Path   string
	Reason string // such as `duplicate key "sku"`

	tooMany bool // breaks Rules.Values
}

// Is makes errors.Is(e, ErrTooMany) true for a text with more values than Rules.Values.
func (e *Error) Is(target error) bool { return e.tooMany && target == ErrTooMany }

// Error returns the path, if there is one, and the reason.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// In returns the error with name before its path: with "data", items[3] becomes data.items[3].
func (e *Error) In(name string) *Error {
	path := e.Path
	if name != "" && path != "" && path[0] != '[' {
		path = "." + path
	}
	return &Error{name + path, e.Reason, e.tooMany}
}

// syntax sets an error of the grammar at byte i, counted from 0.
func (s *scanner) syntax(i int, expected string) int {
	if i >= len(s.text) {
		return s.fail(i, fmt.Sprintf("not valid JSON at byte %d: got the end, expected %s",
			len(s.text), expected))
	}
	r, size := utf8.DecodeRune(s.text[i:])
	if r == utf8.RuneError && size == 1 {
		return s.encoding(i)
	}
	return s.fail(i, fmt.Sprintf("not valid JSON at byte %d: got %q, expected %s", i, r, expected))
}

func (s *scanner) encoding(i int) int {
	return s.fail(i, fmt.Sprintf("not valid UTF-8 at byte %d", i))
}

// fail sets the error, unless there is one.
func (s *scanner) fail(i int, reason string) int {
	if s.err == nil {
		s.err = &Error{Reason: reason}
	}
	return i
}

// result returns the error, or a nil error.
func (s *scanner) result() error {
	if s.err == nil {
		return nil
	}
	return s.err
}

// broken sets the first broken rule, with the path.
func (s *scanner) broken(reason string) {
	s.fault = &Error{Path: s.path(), Reason: reason, tooMany: s.values > s.most}
	if !s.tolerant {
		s.err = s.fault
	}
}

// path returns the path of the current value.
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

func duplicate(name []byte) string {
	return "duplicate key " + strconv.Quote(Shorten(string(name)))
}

func tooDeep(limit int) string { return "nested more than " + plural(limit, "level") + " deep" }

func plural(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return strconv.Itoa(n) + " " + of + "s"
}

// Shorten cuts a text to 64 bytes for an error.
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
