package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What the bodies of the HTTP API have in common with those of kinds: read in one way, refused in the same words. All of
// it takes JSON that was found valid before.

const targetNames = "user, users, channel, channels, client or all"

// DecodeTarget reads a target as the HTTP API has it, such as {"user":"u1"}, from valid JSON without space around it. The
// error is a *ValidationError whose field is "target" or below. Names are checked when something is published to it.
func DecodeTarget(raw json.RawMessage) (t Target, err error) {
	if raw[0] != '{' {
		return t, &ValidationError{"target", "got " + Describe(raw) + ", expected an object with one of " + targetNames}
	}
	all, err := objectAt("target", "target.", raw)
	if err != nil {
		return t, err
	}
	if len(all) != 1 {
		return t, &ValidationError{"target", "got " + some(all) + ", expected exactly one of " + targetNames}
	}
	field := "target." + Shorten(all[0].name)
	var names []string
	switch name := all[0].name; name {
	case "users", "channels":
		if names, err = DecodeNames(field, all[0].value); name == "users" {
			return ToUsers(names...), err
		}
		return ToChannels(names...), err
	case "user", "channel", "client":
		one, err := DecodeText(field, all[0].value)
		return Target{kind: name, names: []string{one}}, err
	case "all":
		if string(all[0].value) != "true" {
			return t, &ValidationError{field, "got " + Describe(all[0].value) + ", expected true"}
		}
		return ToAll(), nil
	}
	return t, &ValidationError{field, "unknown field, expected one of " + targetNames}
}

// some names the first of the fields of an object.
func some(all []member) string {
	if len(all) == 0 {
		return "none"
	}
	var names []string
	for _, m := range all[:min(len(all), 8)] {
		names = append(names, Shorten(m.name))
	}
	return strings.Join(names, ", ")
}

// DecodeNames reads an array of up to MaxTargets strings, each as DecodeText does. field names it in the error, a
// *ValidationError.
func DecodeNames(field string, raw json.RawMessage) ([]string, error) {
	if raw[0] != '[' {
		return nil, wrongType(field, &Field{Type: TypeArray, Items: TypeString}, raw)
	}
	names := []string{}
	for i := 1; ; {
		switch i = skipSpace(raw, i); raw[i] {
		case ']':
			return names, nil
		case ',':
			i++
			continue
		}
		if len(names) == MaxTargets {
			return nil, &ValidationError{field, fmt.Sprintf("got more than %d elements, expected at most %[1]d", MaxTargets)}
		}
		end := valueEnd(raw, i)
		name, err := DecodeText("", raw[i:end])
		var invalid *ValidationError
		if errors.As(err, &invalid) {
			return nil, &ValidationError{fmt.Sprintf("%s[%d]", field, len(names)), invalid.Reason}
		}
		names, i = append(names, name), end
	}
}

// DecodeText reads a string of valid JSON in valid UTF-8, without space around it. field names it in the error, a
// *ValidationError. Half a surrogate pair is refused: the decoder makes the same U+FFFD of every one, and two names would
// become one.
func DecodeText(field string, raw json.RawMessage) (s string, err error) {
	if raw[0] != '"' {
		return "", wrongType(field, &Field{Type: TypeString}, raw)
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", &ValidationError{field, "is not valid JSON"}
	}
	const replaced = "\uFFFD"
	if n := strings.Count(s, replaced); n > 0 &&
		n > strings.Count(string(raw), replaced)+strings.Count(strings.ToLower(string(raw)), `\ufffd`) {
		return "", &ValidationError{field, "got half a surrogate pair, expected valid Unicode"}
	}
	return s, nil
}

// Describe says what a valid JSON value is, in full when that is short: for errors about it.
func Describe(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		var s string
		_ = json.Unmarshal(raw, &s) // of a valid value; else empty
		return "the string " + quote(s)
	case 't', 'f', 'n':
		return string(raw)
	}
	return "the number " + Shorten(string(raw))
}

func quote(s string) string { return strconv.Quote(Shorten(s)) }

// Shorten cuts what came to 64 bytes, so that an error about it stays readable.
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
