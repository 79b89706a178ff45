package notify

import (
	"encoding/json"
	"slices"
)

// member is one field of a JSON object, as it came.
type member struct {
	name  string // decoded
	key   []byte // with its quotes
	value json.RawMessage
}

// members splits a valid JSON object, at any place of which there may be space. at names it in the error for a key
// that comes twice: parsers disagree which of the two counts.
func members(at string, object []byte) ([]member, error) {
	var list []member
	var seen map[string]bool // once there are many
	for i := skipSpace(object, 0) + 1; ; {
		i = skipSpace(object, i)
		switch object[i] {
		case '}':
			return list, nil
		case ',':
			i++
			continue
		}
		end := stringEnd(object, i)
		m := member{key: object[i:end]}
		var err error
		if m.name, err = DecodeText(at+"a key", json.RawMessage(m.key)); err != nil {
			return nil, err
		}
		if hasName(list, seen, m.name) {
			return nil, &ValidationError{at + Shorten(m.name), "is given twice"}
		}
		i = skipSpace(object, skipSpace(object, end)+1) // over the colon
		end = valueEnd(object, i)
		m.value = object[i:end]
		list = append(list, m)
		if i = end; len(list) == few {
			seen = make(map[string]bool, 4*few)
			for _, m := range list {
				seen[m.name] = true
			}
		} else if seen != nil {
			seen[m.name] = true
		}
	}
}

// few is where a map gets cheaper than looking through a list.
const few = 16

func hasName(list []member, seen map[string]bool, name string) bool {
	if seen != nil {
		return seen[name]
	}
	return slices.ContainsFunc(list, func(m member) bool { return m.name == name })
}

// valueEnd returns the index behind the value that starts at i.
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

// stringEnd returns the index behind the string that starts at i.
func stringEnd(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
