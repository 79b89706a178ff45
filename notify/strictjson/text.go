package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrSurrogate is the error of Text for half a surrogate pair.
var ErrSurrogate = errors.New("half a surrogate pair")

// Text decodes a value of the kind String. Half a surrogate pair, which the grammar allows, is an
// error: decoders replace each with the same U+FFFD, so that two names would become equal.
func (c Checked) Text() (string, error) {
	if c.Kind() != String {
		return "", errors.New("not a string")
	}
	return decodeString(c.text)
}

// decodeString decodes a string. With ErrSurrogate it returns the string with U+FFFD.
func decodeString(quoted []byte) (string, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return "", err
	}
	if halfPair(quoted) {
		return s, ErrSurrogate
	}
	return s, nil
}

// halfPair reports whether a valid string escapes a surrogate that is not part of a pair.
func halfPair(quoted []byte) bool {
	for i := 0; i < len(quoted); i++ {
		if quoted[i] != '\\' {
			continue
		}
		if i++; quoted[i] != 'u' {
			continue
		}
		r := hexRune(quoted[i+1:])
		i += 4
		if !utf16.IsSurrogate(r) {
			continue
		}
		rest := quoted[i+1:]
		if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' ||
			utf16.DecodeRune(r, hexRune(rest[2:])) == utf8.RuneError {
			return true
		}
		i += 6
	}
	return false
}

// hexRune decodes four hexadecimal digits.
func hexRune(digits []byte) rune {
	n, _ := strconv.ParseUint(string(digits[:4]), 16, 16) // has no error: the digits are checked
	return rune(n)
}

// Describe describes the value for an error: its kind and, if it is short, its text.
func (c Checked) Describe() string {
	switch c.Kind() {
	case None:
		return "nothing"
	case Object:
		return "an object"
	case Array:
		return "an array"
	case String:
		s, _ := c.Text()
		return "the string " + strconv.Quote(Shorten(s))
	case Number:
		return "the number " + Shorten(string(c.text))
	}
	return string(c.text)
}

// AppendString appends s as a JSON string, as encoding/json does without escapes for HTML. The
// result for a name without control characters is at most twice as long, plus the quotes. Bytes
// that are not UTF-8 become U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	done := 0 // bytes of s that are in dst
	for i := 0; i < len(s); {
		if plain[s[i]] {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		separator, invalid := r == '\u2028' || r == '\u2029', r == utf8.RuneError && size == 1
		if r >= utf8.RuneSelf && !separator && !invalid {
			i += size
			continue
		}
		dst = appendEscape(append(dst, s[done:i]...), r)
		i += size
		done = i
	}
	dst = append(dst, s[done:]...)
	return append(dst, '"')
}

// appendEscape appends the escape of a character below U+10000.
func appendEscape(dst []byte, r rune) []byte {
	const digits, short = "0123456789abcdef", "\"\"\\\\\bb\ff\nn\rr\tt"
	if i := strings.IndexRune(short, r); i >= 0 {
		return append(dst, '\\', short[i+1])
	}
	return append(dst, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
