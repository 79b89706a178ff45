package strictjson

import "unicode/utf8"

// scalar reads a string, a number, true, false or null, which begins with c.
func (s *scanner) scalar(i int, c byte) int {
	switch c {
	case '"':
		i, _ = s.str(i)
		return i
	case 't':
		return s.literal(i, "true")
	case 'f':
		return s.literal(i, "false")
	case 'n':
		return s.literal(i, "null")
	}
	return s.number(i)
}

func (s *scanner) literal(i int, want string) int {
	for k := range len(want) {
		if s.at(i+k) != want[k] {
			return s.syntax(i+k, want)
		}
	}
	return i + len(want)
}

// str reads a string, and reports whether it contains an escape.
func (s *scanner) str(i int) (end int, escaped bool) {
	text := s.text
	for i++; i < len(text); {
		c := text[i]
		if plain[c] {
			i++
			continue
		}
		switch {
		case c == '"':
			return i + 1, escaped
		case c == '\\':
			escaped = true
			if i = s.escape(i + 1); s.err != nil {
				return i, escaped
			}
		case c < ' ':
			return s.syntax(i, "a string without control characters"), escaped
		default:
			r, size := utf8.DecodeRune(text[i:])
			if r == utf8.RuneError && size == 1 {
				return s.encoding(i), escaped
			}
			i += size
		}
	}
	return s.syntax(i, "'\"'"), escaped
}

// plain has the ASCII characters that need no escape in a string.
var plain = func() (plain [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()

// escape reads the rest of an escape after the backslash.
func (s *scanner) escape(i int) int {
	switch s.at(i) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		for range 4 {
			if i++; !isHex(s.at(i)) {
				return s.syntax(i, "a hexadecimal digit")
			}
		}
		return i + 1
	}
	return s.syntax(i, `an escape such as \n or \u000a`)
}

func (s *scanner) number(i int) int {
	switch c := s.at(i); {
	case c == '-':
		i++
	case !isDigit(c):
		return s.syntax(i, "a value")
	}
	if s.at(i) == '0' {
		i++
	} else {
		i = s.digits(i)
	}
	if s.at(i) == '.' {
		i = s.digits(i + 1)
	}
	if c := s.at(i); s.err == nil && (c == 'e' || c == 'E') {
		if c := s.at(i + 1); c == '+' || c == '-' {
			i++
		}
		i = s.digits(i + 1)
	}
	return i
}

// digits reads at least one digit.
func (s *scanner) digits(i int) int {
	if !isDigit(s.at(i)) {
		return s.syntax(i, "a digit")
	}
	text := s.text
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func skipSpace(text []byte, i int) int {
	for i < len(text) && isSpace(text[i]) {
		i++
	}
	return i
}
