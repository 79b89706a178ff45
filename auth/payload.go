package auth

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// reader reads the fields of an auth payload and keeps the first error.
type reader struct {
	m       map[string]json.RawMessage
	lenient bool // values of the wrong type are absent
	err     error
}

// value decodes one field. Fields that nobody reads stay text: decoded values can take 50 times the
// memory.
func (r *reader) value(field string) (v any) {
	if text := r.m[field]; text != nil {
		_ = json.Unmarshal(text, &v) // the caller has checked the text
	}
	return v
}

func (r *reader) fail(field string, value any, expected string) {
	if r.err == nil && !r.lenient {
		r.err = ErrMalformed.because(fmt.Sprintf("%s: got %s, expected %s", field, kind(value),
			expected))
	}
}

func (r *reader) text(field string) string {
	switch v := r.value(field).(type) {
	case nil:
	case string:
		return v
	default:
		r.fail(field, v, "a string")
	}
	return ""
}

// id reads a string, or a whole number that a double represents exactly.
func (r *reader) id(field string) string {
	if v, ok := r.value(field).(float64); ok {
		text, whole := wholeNumber(v)
		if !whole {
			r.fail(field, v, "a string")
		}
		return text
	}
	return r.text(field)
}

// wholeNumber returns the decimal text of a whole number that a double represents exactly: user ids
// and names of rooms are numbers in many applications.
func wholeNumber(v float64) (text string, ok bool) {
	const exact = 1 << 53
	if v != math.Trunc(v) || math.Abs(v) > exact {
		return "", false
	}
	return strconv.FormatInt(int64(v), 10), true
}

// display reads a display name, which is no reason to refuse a client: a number is its text, any
// other value is no name.
func (r *reader) display(field string) string {
	switch v := r.value(field).(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// list reads a string of items separated by commas, or an array of strings and whole numbers. It
// returns nil for an absent field.
func (r *reader) list(field string) []string {
	switch v := r.value(field).(type) {
	case nil:
	case string:
		return split([]string{v}, maxChannels)
	case float64:
		if text, whole := wholeNumber(v); whole {
			return []string{text}
		}
		r.fail(field, v, "a string or an array of strings")
	case []any:
		if len(v) > maxChannels {
			r.fail(field, v, fmt.Sprintf("at most %d items", maxChannels))
			return nil
		}
		all := make([]string, 0, len(v))
		for _, item := range v {
			s, ok := item.(string)
			if number, isNumber := item.(float64); isNumber {
				s, ok = wholeNumber(number)
			}
			if !ok {
				r.fail(field, item, "strings in it")
				return nil
			}
			if s != "" {
				all = append(all, s)
			}
		}
		return all
	default:
		r.fail(field, v, "a string or an array of strings")
	}
	return nil
}

// kind names the JSON type of a value. The value itself may be a credential, so errors do not show
// it.
func kind(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case float64:
		return "a number"
	case string:
		return "a string"
	case []any:
		return fmt.Sprintf("an array of %d", len(v))
	case map[string]any:
		return fmt.Sprintf("an object of %d fields", len(v))
	default:
		return "a value of another type"
	}
}

// bearer returns the token of an Authorization header, "" for another scheme. The scheme is
// case-insensitive (RFC 6750, section 2.1).
func bearer(header string) string {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// first returns the first string that is not empty.
func first(lists ...[]string) string {
	for _, list := range lists {
		for _, s := range list {
			if s != "" {
				return s
			}
		}
	}
	return ""
}

// newest returns the first id that is not empty, or a later one of the same log: a client that adds
// lastEventId to a URL that has one means the newer of them.
func newest(lists ...[]string) string {
	id := first(lists...)
	for _, list := range lists {
		for _, other := range list {
			if isLater(other, id) {
				id = other
			}
		}
	}
	return id
}

// isLater reports whether an id has the same epoch as another one and a higher number. Ids of a
// stream, <ms>-<n> with 13 digits before the "-", are all of one epoch.
func isLater(id, than string) bool {
	const streamAt = 13
	epoch, number, _ := strings.Cut(id, "-")
	epochThan, numberThan, _ := strings.Cut(than, "-")
	n, err := strconv.ParseUint(number, 10, 64)
	m, errThan := strconv.ParseUint(numberThan, 10, 64)
	switch {
	case err != nil || errThan != nil:
		return false
	case epoch == epochThan:
		return n > m
	}
	return len(epoch) == streamAt && len(epochThan) == streamAt && epoch > epochThan &&
		strings.Trim(epoch+epochThan, "0123456789") == ""
}

// or returns the first string that is not empty.
func or(values ...string) string { return first(values) }

// split splits lists whose items are separated by commas and drops empty items. It returns nil when
// no item is left. It stops at the first item above most, which makes the list too long.
func split(values []string, most int) []string {
	var all []string
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				all = append(all, item)
			}
			if len(all) > most {
				return all
			}
		}
	}
	return all
}
