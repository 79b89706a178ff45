package catalogue

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/rooms"
)

// checkValue checks a JSON value for a field. It returns the value if it is a string.
func checkValue(at string, f *Field, v strictjson.Checked) (s string, err error) {
	switch f.Type {
	case TypeString:
		if s, err = DecodeText(at, v); err == nil {
			err = checkText(at, f, s)
		}
	case TypeNumber, TypeInteger:
		err = checkNumber(at, f, v)
	case TypeBoolean:
		if v.Kind() != strictjson.Bool {
			err = wrongType(at, f, v)
		}
	case TypeObject:
		if v.Kind() != strictjson.Object {
			err = wrongType(at, f, v)
		}
	case TypeArray:
		err = checkArray(at, f, v)
	case TypeTimestamp:
		if s, err = DecodeText(at, v); err != nil {
			return "", wrongType(at, f, v)
		}
		if _, e := time.Parse(time.RFC3339, s); e != nil {
			err = wrongType(at, f, v)
		}
	default:
		if v.Kind() == strictjson.Null {
			err = wrongType(at, f, v)
		}
	}
	return s, err
}

// checkText checks a string.
func checkText(at string, f *Field, s string) error {
	switch {
	case f.Enum != nil && !slices.Contains(f.Enum, s):
		return refuse(at, "got "+quote(s)+", expected "+either(f.Enum))
	case f.Const != "" && s != f.Const:
		return refuse(at, "got "+quote(s)+", expected "+f.Const)
	case f.MaxLen > 0 && len(s) > f.MaxLen:
		return refuse(at, fmt.Sprintf("is %d bytes long, expected at most %d", len(s), f.MaxLen))
	case !utf8.ValidString(s):
		return refuse(at, "is not valid UTF-8")
	}
	return nil
}

func checkNumber(at string, f *Field, v strictjson.Checked) error {
	if v.Kind() != strictjson.Number {
		return wrongType(at, f, v)
	}
	n, err := strconv.ParseFloat(string(v.Bytes()), 64)
	// an error means that no double, and so no client, has the number
	if err != nil || !fits(f, n) {
		return wrongType(at, f, v)
	}
	return nil
}

// fits reports whether a number has the type of the field and is in its range.
func fits(f *Field, n float64) bool {
	const exact = 1 << 53 // doubles, and so JavaScript, do not have all integers above
	switch {
	case math.IsNaN(n) || math.IsInf(n, 0),
		f.Type == TypeInteger && (n != math.Trunc(n) || math.Abs(n) > exact),
		f.Min != nil && n < *f.Min, f.Max != nil && n > *f.Max:
		return false
	}
	return true
}

func checkArray(at string, f *Field, v strictjson.Checked) error {
	if v.Kind() != strictjson.Array {
		return wrongType(at, f, v)
	}
	if f.Items != TypeString {
		return nil
	}
	i := 0
	for e := range v.Elements() {
		if e.Kind() != strictjson.String {
			return wrongType(fmt.Sprintf("%s[%d]", at, i), &Field{Type: f.Items}, e)
		}
		i++
	}
	return nil
}

// decodeLabel decodes a short string of the metadata.
func decodeLabel(at string, v strictjson.Checked) (string, error) {
	s, err := DecodeText(at, v)
	if err == nil {
		err = refuseName(rooms.CheckName(at, s, maxLabel))
	}
	return s, err
}

func wrongType(at string, f *Field, v strictjson.Checked) error {
	return refuse(at, "got "+v.Describe()+", expected "+f.expected())
}

func quote(s string) string { return strconv.Quote(strictjson.Shorten(s)) }

// expected describes the values that a field takes.
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
		return "any value except null, or no value"
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

// either lists values as in: a, b or c.
func either(values []string) string {
	if len(values) < 2 {
		return strings.Join(values, "")
	}
	last := len(values) - 1
	return strings.Join(values[:last], ", ") + " or " + values[last]
}
