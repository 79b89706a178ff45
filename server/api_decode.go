package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/roomcast/roomcast/notify"
)

const (
	publicationKeys = "target, except, type, data, metadata, volatile, ttl"
	targetKeys      = "user, users, channel, channels, client, all"
)

// decodePublication reads one notification of a request. Keys count as they are
// written, unlike with the standard decoder, for which TYPE is type as well.
// prefix names the item of a batch in errors, which are *Problem. What
// the names and values may be is the Hub's to check.
func decodePublication(item []byte, prefix string) (p notify.Publication, err error) {
	if item[skipSpace(item, 0)] != '{' {
		return p, invalidField(strings.TrimSuffix(prefix, "."), "got "+describe(item)+", expected an object")
	}
	// The notification itself is one level above its data.
	if fault := checkJSONShape(item, notify.MaxDepth+1); fault != nil {
		return p, invalidField(prefix+fault.path, fault.reason)
	}
	var hasTarget bool
	n := &p.Notification
	for _, m := range splitObject(item) {
		field := prefix + m.key
		switch m.key {
		case "target":
			hasTarget = true
			p.Target, err = decodeTarget(m.value, field)
		case "except":
			n.Except, err = decodeStrings(m.value, field)
		case "type":
			n.Type, err = decodeString(m.value, field)
		case "data":
			if len(m.value) > notify.MaxData {
				return p, &Problem{Status: http.StatusRequestEntityTooLarge, Code: codeTooLarge, Field: field,
					Detail: field + ": got " + itoa(len(m.value)) + " bytes, expected at most " + itoa(notify.MaxData)}
			}
			n.Data = bytes.Clone(m.value) // the log keeps it; it must not keep the body of a whole batch
		case "metadata":
			n.Metadata, err = decodeObject(m.value, field)
		case "volatile":
			n.Volatile, err = decodeBool(m.value, field)
		case "ttl":
			n.TTL, err = decodeDuration(m.value, field)
		default:
			field = prefix + shorten(m.key)
			err = invalidField(field, "unknown field, expected one of "+publicationKeys)
		}
		if err != nil {
			return p, err
		}
	}
	if !hasTarget {
		return p, invalidField(prefix+"target", "missing, expected an object with one of "+targetKeys)
	}
	return p, nil
}

func decodeTarget(value []byte, field string) (t notify.Target, err error) {
	if value[0] != '{' {
		return t, wrongType(field, value, "an object with one of "+targetKeys)
	}
	members := splitObject(value)
	if len(members) != 1 {
		names := make([]string, 0, 8)
		for _, m := range members[:min(len(members), 8)] {
			names = append(names, shorten(m.key))
		}
		got := "none"
		if len(names) > 0 {
			got = strings.Join(names, ", ")
		}
		return t, invalidField(field, "got "+got+", expected exactly one of "+targetKeys)
	}
	m := members[0]
	field += "." + shorten(m.key)
	switch m.key {
	case "user", "channel", "client":
		var name string
		if name, err = decodeString(m.value, field); err != nil {
			return t, err
		}
		switch m.key {
		case "user":
			return notify.ToUser(name), nil
		case "channel":
			return notify.ToChannel(name), nil
		}
		return notify.ToClient(name), nil
	case "users", "channels":
		if isNull(m.value) {
			return t, wrongType(field, m.value, "an array of strings")
		}
		names, err := decodeStrings(m.value, field)
		if err != nil {
			return t, err
		}
		if m.key == "users" {
			return notify.ToUsers(names...), nil
		}
		return notify.ToChannels(names...), nil
	case "all":
		if string(m.value) != "true" {
			return t, wrongType(field, m.value, "true")
		}
		return notify.ToAll(), nil
	}
	return t, invalidField(field, "unknown field, expected one of "+targetKeys)
}

// decodeString reads a string; half a surrogate pair is refused, because the
// standard decoder makes U+FFFD of every such half and different names would
// become one.
func decodeString(value []byte, field string) (s string, err error) {
	if value[0] != '"' {
		return "", wrongType(field, value, "a string")
	}
	if err := json.Unmarshal(value, &s); err != nil {
		return "", invalidField(field, err.Error())
	}
	literal := strings.Count(string(value), "\uFFFD") + strings.Count(strings.ToLower(string(value)), `\ufffd`)
	if strings.Count(s, "\uFFFD") > literal {
		return "", invalidField(field, "got half a surrogate pair, expected valid Unicode")
	}
	return s, nil
}

// decodeStrings reads an array of strings; null is none.
func decodeStrings(value []byte, field string) ([]string, error) {
	if isNull(value) {
		return nil, nil
	}
	if value[0] != '[' {
		return nil, wrongType(field, value, "an array of strings")
	}
	elements, more := splitArray(value, notify.MaxTargets)
	if more {
		return nil, invalidField(field, "got more than "+itoa(notify.MaxTargets)+" elements, expected at most "+itoa(notify.MaxTargets))
	}
	names := make([]string, len(elements))
	for i, e := range elements {
		var err error
		if names[i], err = decodeString(e, field+"["+itoa(i)+"]"); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// decodeObject reads an object; null is none.
func decodeObject(value []byte, field string) (json.RawMessage, error) {
	if isNull(value) {
		return nil, nil
	}
	if value[0] != '{' {
		return nil, wrongType(field, value, "an object")
	}
	return bytes.Clone(value), nil
}

func decodeBool(value []byte, field string) (bool, error) {
	switch string(value) {
	case "true":
		return true, nil
	case "false", "null":
		return false, nil
	}
	return false, wrongType(field, value, "true or false")
}

// decodeDuration reads a duration such as "90s" or "5m"; null is none.
func decodeDuration(value []byte, field string) (time.Duration, error) {
	const expected = `a positive duration such as "30s", "5m" or "1h30m"`
	if isNull(value) {
		return 0, nil
	}
	if value[0] != '"' {
		return 0, wrongType(field, value, expected)
	}
	text, err := decodeString(value, field)
	if err != nil {
		return 0, err
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, wrongType(field, value, expected)
	}
	return d, nil
}

func isNull(value []byte) bool { return string(value) == "null" }

// inBatch puts the number of the item before the field of a validation error.
func inBatch(err error, prefix string) error {
	var invalid *notify.ValidationError
	if errors.As(err, &invalid) {
		return &notify.ValidationError{Field: prefix + invalid.Field, Reason: invalid.Reason}
	}
	return err
}

func batchPrefix(i int) string { return "[" + itoa(i) + "]." }

func wrongType(field string, value []byte, expected string) *Problem {
	return invalidField(field, "got "+describe(value)+", expected "+expected)
}

func invalidField(field, reason string) *Problem {
	p := &Problem{Status: http.StatusBadRequest, Code: codeValidation, Field: field, Detail: reason}
	if field != "" {
		p.Detail = field + ": " + reason
	}
	return p
}

// describe says what a valid JSON value is, with its text where that is short.
func describe(value []byte) string {
	value = bytes.TrimSpace(value)
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "the string " + quoteShort(string(value[1:len(value)-1]))
	case 't', 'f', 'n':
		return string(value)
	}
	return "the number " + shorten(string(value))
}

// shorten cuts what a client sent so that an error about it stays readable.
func shorten(s string) string {
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

func quoteShort(s string) string { return strconv.Quote(shorten(s)) }

func itoa(n int) string { return strconv.Itoa(n) }
