package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
)

const (
	publicationKeys = "target, except, type, data, metadata, volatile, ttl"
	targetKeys      = "user, users, channel, channels, client or all"
)

// decodePublication reads one notification of a request. It compares keys exactly, unlike the
// standard decoder, which takes TYPE for type too. Its errors are *edge.Problem; prefix is the item
// of a batch in their fields. The Hub checks the names and values.
func decodePublication(item []byte, prefix string) (p notify.Publication, err error) {
	if item[skipSpace(item, 0)] != '{' {
		return p, invalidField(strings.TrimSuffix(prefix, "."), "got "+notify.Describe(item)+", expected an object")
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
			p.Target, err = notify.DecodeTarget(m.value)
			err = asProblem(err, prefix)
		case "except":
			n.Except, err = decodeStrings(m.value, field)
		case "type":
			n.Type, err = decodeString(m.value, field)
		case "data":
			if len(m.value) > notify.MaxData {
				return p, &edge.Problem{Status: http.StatusRequestEntityTooLarge, Code: edge.CodePayloadTooLarge, Field: field,
					Detail: field + ": got " + itoa(len(m.value)) + " bytes, expected at most " + itoa(notify.MaxData)}
			}
			n.Data = bytes.Clone(m.value) // the log keeps it, and must not keep the whole body with it
		case "metadata":
			n.Metadata, err = decodeObject(m.value, field)
		case "volatile":
			n.Volatile, err = decodeBool(m.value, field)
		case "ttl":
			n.TTL, err = decodeDuration(m.value, field)
		default:
			field = prefix + notify.Shorten(m.key)
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

// decodeString reads a string.
func decodeString(value []byte, field string) (string, error) {
	s, err := notify.DecodeText(field, value)
	return s, asProblem(err, "")
}

// decodeStrings reads an array of strings, or null as none.
func decodeStrings(value []byte, field string) ([]string, error) {
	if isNull(value) {
		return nil, nil
	}
	names, err := notify.DecodeNames(field, value)
	return names, asProblem(err, "")
}

// asProblem turns a validation error of package notify into a Problem, with prefix before its field.
func asProblem(err error, prefix string) error {
	var invalid *notify.ValidationError
	if errors.As(err, &invalid) {
		return invalidField(prefix+invalid.Field, invalid.Reason)
	}
	return err
}

// decodeObject reads an object, or null as none.
func decodeObject(value []byte, field string) (json.RawMessage, error) {
	if isNull(value) {
		return nil, nil
	}
	if value[0] != '{' {
		return nil, wrongType(field, value, "an object")
	}
	return bytes.Clone(value), nil
}

// decodeBool reads true or false, or null as false.
func decodeBool(value []byte, field string) (bool, error) {
	switch string(value) {
	case "true":
		return true, nil
	case "false", "null":
		return false, nil
	}
	return false, wrongType(field, value, "true or false")
}

// decodeDuration reads a duration such as "90s" or "5m", or null as 0.
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

// inBatch puts prefix, the item of a batch, before the field of a validation error.
func inBatch(err error, prefix string) error {
	var invalid *notify.ValidationError
	if errors.As(err, &invalid) {
		return &notify.ValidationError{Field: prefix + invalid.Field, Reason: invalid.Reason}
	}
	return err
}

// batchPrefix returns the path of an item of a batch: "[3].".
func batchPrefix(i int) string { return "[" + itoa(i) + "]." }

func wrongType(field string, value []byte, expected string) *edge.Problem {
	return invalidField(field, "got "+notify.Describe(value)+", expected "+expected)
}

// invalidField returns a validation problem. field is the path of the value at fault, or "" for the
// whole request; then reason names the part of the request itself.
func invalidField(field, reason string) *edge.Problem {
	p := &edge.Problem{Status: http.StatusBadRequest, Code: edge.CodeValidation, Field: field, Detail: reason}
	if field != "" {
		p.Detail = field + ": " + reason
	}
	return p
}

func quoteShort(s string) string { return strconv.Quote(notify.Shorten(s)) }

func itoa(n int) string { return strconv.Itoa(n) }
