package notify

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/roomcast/roomcast/rooms"
)

// checkValue checks a JSON value for a field of the table and returns it when it is a string.
func checkValue(at string, f *Field, raw json.RawMessage) (s string, err error) {
	switch f.Type {
	case TypeString:
		if s, err = DecodeText(at, raw); err == nil {
			err = checkText(at, f, s)
		}
	case TypeNumber, TypeInteger:
		err = checkNumberText(at, f, raw)
	case TypeBoolean:
		if string(raw) != "true" && string(raw) != "false" {
			err = wrongType(at, f, raw)
		}
	case TypeObject:
		if raw[0] != '{' {
			err = wrongType(at, f, raw)
		}
	case TypeArray:
		err = checkArray(at, f, raw)
	case TypeTimestamp:
		if s, err = DecodeText(at, raw); err != nil {
			return "", wrongType(at, f, raw)
		}
		if _, e := time.Parse(time.RFC3339, s); e != nil {
			err = wrongType(at, f, raw)
		}
	default:
		if string(raw) == "null" {
			err = wrongType(at, f, raw)
		}
	}
	return s, err
}

// checkText checks a string.
func checkText(at string, f *Field, s string) error {
	switch {
	case f.Enum != nil && !slices.Contains(f.Enum, s):
		return &ValidationError{at, "got " + quote(s) + ", expected " + either(f.Enum)}
	case f.Const != "" && s != f.Const:
		return &ValidationError{at, "got " + quote(s) + ", expected " + f.Const}
	case f.MaxLen > 0 && len(s) > f.MaxLen:
		return &ValidationError{at, fmt.Sprintf("is %d bytes long, expected at most %d", len(s), f.MaxLen)}
	case !utf8.ValidString(s):
		return &ValidationError{at, "is not valid UTF-8"}
	}
	return nil
}

func checkNumberText(at string, f *Field, raw json.RawMessage) error {
	if c := raw[0]; c != '-' && (c < '0' || c > '9') {
		return wrongType(at, f, raw)
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil { // too large for a double: no client could read it
		return wrongType(at, f, raw)
	}
	if !fits(f, n) {
		return wrongType(at, f, raw)
	}
	return nil
}

// fits reports whether a number is of the type and in the range.
func fits(f *Field, n float64) bool {
	const exact = 1 << 53 // where doubles, and so JavaScript, stop having all integers
	switch {
	case math.IsNaN(n) || math.IsInf(n, 0),
		f.Type == TypeInteger && (n != math.Trunc(n) || math.Abs(n) > exact),
		f.Min != nil && n < *f.Min, f.Max != nil && n > *f.Max:
		return false
	}
	return true
}

func checkArray(at string, f *Field, raw json.RawMessage) error {
	var elements []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &elements) != nil {
		return wrongType(at, f, raw)
	}
	for i, e := range elements {
		if f.Items == TypeString && e[0] != '"' {
			return wrongType(fmt.Sprintf("%s[%d]", at, i), &Field{Type: f.Items}, e)
		}
	}
	return nil
}

// decodeLabel reads a short string of the metadata.
func decodeLabel(at string, raw json.RawMessage) (string, error) {
	s, err := DecodeText(at, raw)
	if err == nil {
		err = invalidOrNil(rooms.CheckName(at, s, maxLabel))
	}
	return s, err
}

func wrongType(at string, f *Field, raw json.RawMessage) error {
	return &ValidationError{at, "got " + Describe(raw) + ", expected " + f.expected()}
}

// expected says what values a field takes.
func (f *Field) expected() string {
	switch {
	case f.Enum != nil:
		return either(f.Enum)
	case f.Type == TypeTimestamp:
		return `a time such as "2026-11-22T10:00:00Z"`
	case f.Type == TypeArray && f.Items == TypeString:
		return "an array of strings"
	case f.Type == TypeBoolean:
		return "true or false"
	case f.Type == TypeAny:
		return "any value but null, or to leave it out"
	}
	article := "a "
	if strings.ContainsAny(f.Type[:1], "aeio") {
		article = "an "
	}
	switch {
	case f.Min != nil && f.Max != nil:
		return fmt.Sprintf("%s%s from %v to %v", article, f.Type, *f.Min, *f.Max)
	case f.Min != nil:
		return fmt.Sprintf("%s%s of at least %v", article, f.Type, *f.Min)
	case f.Max != nil:
		return fmt.Sprintf("%s%s of at most %v", article, f.Type, *f.Max)
	}
	return article + f.Type
}

// either lists values: a, b or c.
func either(values []string) string {
	if len(values) < 2 {
		return strings.Join(values, "")
	}
	last := len(values) - 1
	return strings.Join(values[:last], ", ") + " or " + values[last]
}
