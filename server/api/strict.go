package api

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/roomcast/roomcast/notify"
)

// checkJSONText refuses what is not one JSON value in valid UTF-8. The standard
// decoder would replace bad bytes silently, and data is passed on as it came.
func checkJSONText(body []byte) error {
	if !utf8.Valid(body) {
		return fmt.Errorf("not valid UTF-8 at byte %d", invalidUTF8(body))
	}
	if json.Valid(body) {
		return nil
	}
	var v json.RawMessage
	err := json.Unmarshal(body, &v)
	if syntax, ok := err.(*json.SyntaxError); ok {
		return fmt.Errorf("not valid JSON at byte %d: %s", syntax.Offset, syntax)
	}
	return fmt.Errorf("not valid JSON: %w", err)
}

// jsonFault is where a valid JSON value breaks a rule of ours.
type jsonFault struct{ path, reason string }

// jsonLevel is an open object or array of checkJSONShape.
type jsonLevel struct {
	array bool
	index int
	key   string
	keys  []string            // of an object, while they are few
	seen  map[string]struct{} // of a large one
}

// fewKeys is where a map gets cheaper than looking through a list.
const fewKeys = 12

// checkJSONShape refuses nesting beyond maxLevels and objects that name a key
// twice: parsers disagree about which of the two counts, so a check that read
// one could be passed by the other (RFC 8259, section 4). value must be valid
// JSON. It does not recurse.
func checkJSONShape(value []byte, maxLevels int) *jsonFault {
	text := string(value) // keys are slices of this one copy
	var levels []jsonLevel
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			if len(levels) == maxLevels {
				return &jsonFault{jsonPath(levels), fmt.Sprintf("nested more than %d levels deep", maxLevels)}
			}
			levels = append(levels, jsonLevel{array: text[i] == '['})
		case '}', ']':
			levels = levels[:len(levels)-1]
		case ',':
			levels[len(levels)-1].index++
		case '"':
			end := stringEnd(text, i)
			if isJSONKey(levels, text, end) {
				top := &levels[len(levels)-1]
				top.key = decodedKey(text[i:end])
				if !top.add(top.key) {
					return &jsonFault{jsonPath(levels), "the key stands there twice"}
				}
			}
			i = end - 1
		}
	}
	return nil
}

// add reports false for a key that is there already.
func (l *jsonLevel) add(key string) bool {
	if l.seen == nil {
		for _, k := range l.keys {
			if k == key {
				return false
			}
		}
		if l.keys = append(l.keys, key); len(l.keys) > fewKeys {
			l.seen = make(map[string]struct{}, 4*fewKeys)
			for _, k := range l.keys {
				l.seen[k] = struct{}{}
			}
		}
		return true
	}
	n := len(l.seen)
	l.seen[key] = struct{}{}
	return len(l.seen) > n
}

// isJSONKey: in an object, the string that ends here is followed by a colon.
func isJSONKey(levels []jsonLevel, text string, end int) bool {
	if len(levels) == 0 || levels[len(levels)-1].array {
		return false
	}
	for end < len(text) && isJSONSpace(text[end]) {
		end++
	}
	return end < len(text) && text[end] == ':'
}

// jsonPath names a place as data.items[3].sku, each name cut.
func jsonPath(levels []jsonLevel) string {
	var b strings.Builder
	for _, l := range levels {
		switch {
		case l.array:
			b.WriteString("[" + strconv.Itoa(l.index) + "]")
		case b.Len() > 0:
			b.WriteString("." + notify.Shorten(l.key))
		default:
			b.WriteString(notify.Shorten(l.key))
		}
	}
	return b.String()
}

// jsonMember is one key of an object with its value, as they came.
type jsonMember struct {
	key   string
	value json.RawMessage // a slice of the body
}

// splitObject lists the members of a valid JSON object.
func splitObject(object []byte) []jsonMember {
	var members []jsonMember
	i := skipSpace(object, 0) + 1
	for {
		i = skipSpace(object, i)
		if object[i] == '}' {
			return members
		}
		if object[i] == ',' {
			i++
			continue
		}
		end := stringEnd(object, i)
		key := decodedKey(string(object[i:end]))
		i = skipSpace(object, skipSpace(object, end)+1) // over the colon
		end = valueEnd(object, i)
		members = append(members, jsonMember{key, object[i:end]})
		i = end
	}
}

// splitArray lists the elements of a valid JSON array, at most limit of them;
// more is true when there are others.
func splitArray(array []byte, limit int) (elements []json.RawMessage, more bool) {
	i := skipSpace(array, 0) + 1
	for {
		i = skipSpace(array, i)
		switch array[i] {
		case ']':
			return elements, false
		case ',':
			i++
			continue
		}
		if len(elements) == limit {
			return elements, true
		}
		end := valueEnd(array, i)
		elements = append(elements, array[i:end])
		i = end
	}
}

// valueEnd returns the index behind the value that starts at i.
func valueEnd(b []byte, i int) int {
	for depth := 0; i < len(b); {
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
		default:
			for i < len(b) && strings.IndexByte(",:]} \t\r\n", b[i]) < 0 {
				i++
			}
		}
		if depth == 0 {
			break
		}
	}
	return i
}

// stringEnd returns the index behind the string that starts at i.
func stringEnd[T string | []byte](s T, i int) int {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && isJSONSpace(b[i]) {
		i++
	}
	return i
}

func isJSONSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// decodedKey reads a quoted key; "\u0061" and "a" are the same one.
func decodedKey(quoted string) string {
	if !strings.Contains(quoted, `\`) {
		return quoted[1 : len(quoted)-1]
	}
	var key string
	if err := json.Unmarshal([]byte(quoted), &key); err != nil {
		return quoted
	}
	return key
}

func invalidUTF8(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}
