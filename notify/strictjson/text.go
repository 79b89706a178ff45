package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrSurrogate is the error of Text for half a surrogate pair.
var ErrSurrogate = errors.New("half a surrogate pair")

// Text returns the string that a value of the kind String is. Half a surrogate pair is an error,
// although the grammar allows it: decoders make the same U+FFFD of every one, so two names would
// become one.
func (c Checked) Text() (string, error) {
	if c.Kind() != String {
		return "", errors.New("not a string")
	}
	return decodeString(c.text)
}

// decodeString decodes a string. With ErrSurrogate it returns what decoders make of it.
func decodeString(quoted []byte) (string, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return "", err
	}
	const replaced = "\uFFFD"
	if n := strings.Count(s, replaced); n > 0 &&
		n > bytes.Count(quoted, []byte(replaced))+bytes.Count(bytes.ToLower(quoted), []byte(`\ufffd`)) {
		return s, ErrSurrogate
	}
	return s, nil
}

// Describe says what the value is, in full when it is short, for errors about it.
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

// AppendString appends s as a JSON string, as encoding/json does without the escapes that only HTML
// needs: it is at most twice as long as a name without control characters. Bytes that are not UTF-8
// become U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	done := 0 // of s
	for i := 0; i < len(s); {
		if plain[s[i]] {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r >= utf8.RuneSelf && r != '\u2028' && r != '\u2029' && (r != utf8.RuneError || size > 1) {
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

// appendEscape appends a character below U+10000 that does not stand for itself.
func appendEscape(dst []byte, r rune) []byte {
	const digits, short = "0123456789abcdef", "\"\"\\\\\bb\ff\nn\rr\tt"
	if i := strings.IndexRune(short, r); i >= 0 {
		return append(dst, '\\', short[i+1])
	}
	return append(dst, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
