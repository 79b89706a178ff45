package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/catalogue"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/server/edge"
)

const (
	publicationKeys = "target, except, type, data, metadata, volatile, ttl, retain"
	targetKeys      = "user, users, channel, channels, client or all"
)

// decodePublication reads one notification of a request. It compares keys exactly, unlike the
// standard decoder, which takes TYPE for type too. Its errors are *edge.Problem; prefix is the item
// of a batch in their fields. The Hub checks the names and values.
func decodePublication(item strictjson.Checked, prefix string) (p notify.Publication, err error) {
	if item.Kind() != strictjson.Object {
		return p, invalidField(strings.TrimSuffix(prefix, "."),
			"got "+item.Describe()+", expected an object")
	}
	var hasTarget bool
	n := &p.Notification
	for m := range item.Members() {
		field := prefix + m.Name
		switch m.Name {
		case "target":
			hasTarget = true
			p.Target, err = catalogue.DecodeTarget(m.Value)
			err = asProblem(err, prefix)
		case "except":
			n.Except, err = decodeStrings(m.Value, field)
		case "type":
			n.Type, err = decodeString(m.Value, field)
		case "data":
			if size := len(m.Value.Bytes()); size > notify.MaxData {
				return p, tooLarge(field, size, notify.MaxData)
			}
			n.SetData(m.Value.Clone()) // the log keeps it, and must not keep the whole body with it
		case "metadata":
			var metadata strictjson.Checked
			metadata, err = decodeObject(m.Value, field)
			n.SetMetadata(metadata)
		case "volatile":
			n.Volatile, err = decodeBool(m.Value, field)
		case "ttl":
			n.TTL, err = decodeDuration(m.Value, field)
		case "retain":
			n.Retain, err = decodeBool(m.Value, field)
		default:
			field = prefix + strictjson.Shorten(m.Name)
			err = invalidField(field, "unknown field, expected one of "+publicationKeys)
		}
		if err != nil {
			return p, err
		}
	}
	if !hasTarget {
		return p, invalidField(prefix+"target",
			"missing, expected an object with one of "+targetKeys)
	}
	return p, nil
}

// decodeString reads a string.
func decodeString(value strictjson.Checked, field string) (string, error) {
	s, err := catalogue.DecodeText(field, value)
	return s, asProblem(err, "")
}

// decodeName reads a name: a string, or a whole number.
func decodeName(value strictjson.Checked, field string) (string, error) {
	s, err := catalogue.DecodeName(field, value)
	return s, asProblem(err, "")
}

// decodeDisplayName reads a string or a whole number, or null as none.
func decodeDisplayName(value strictjson.Checked, field string) (string, error) {
	if isNull(value) {
		return "", nil
	}
	return decodeName(value, field)
}

// decodeStrings reads an array of strings, or null as none.
func decodeStrings(value strictjson.Checked, field string) ([]string, error) {
	if isNull(value) {
		return nil, nil
	}
	names, err := catalogue.DecodeNames(field, value)
	return names, asProblem(err, "")
}

// asProblem turns a validation error of package notify into a Problem, with prefix before its
// field.
func asProblem(err error, prefix string) error {
	var invalid *notify.ValidationError
	if errors.As(err, &invalid) {
		return invalidField(prefix+invalid.Field, invalid.Reason)
	}
	return err
}

// decodeObject reads an object, or null as none.
func decodeObject(value strictjson.Checked, field string) (object strictjson.Checked, err error) {
	switch value.Kind() {
	case strictjson.Null:
		return object, nil
	case strictjson.Object:
		return value.Clone(), nil
	}
	if value.IsEmptyArray() {
		return object, nil
	}
	return object, wrongType(field, value, "an object")
}

// decodeBool reads true or false, or null as false.
func decodeBool(value strictjson.Checked, field string) (bool, error) {
	switch string(value.Bytes()) {
	case "true":
		return true, nil
	case "false", "null":
		return false, nil
	}
	return false, wrongType(field, value, "true or false")
}

// decodeDuration reads a duration such as "90s" or "5m", or null as 0.
func decodeDuration(value strictjson.Checked, field string) (time.Duration, error) {
	if isNull(value) {
		return 0, nil
	}
	d, err := catalogue.DecodeDuration(field, value)
	return d, asProblem(err, "")
}

func isNull(value strictjson.Checked) bool { return value.Kind() == strictjson.Null }

func wrongType(field string, value strictjson.Checked, expected string) *edge.Problem {
	return invalidField(field, "got "+value.Describe()+", expected "+expected)
}

// invalidField returns a validation problem. field is the path of the value at fault, or "" for the
// whole request; then reason names the part of the request itself.
func invalidField(field, reason string) *edge.Problem {
	p := &edge.Problem{
		Status: http.StatusBadRequest, Code: edge.CodeValidation, Field: field, Detail: reason,
	}
	if field != "" {
		p.Detail = field + ": " + reason
	}
	return p
}

// tooLarge returns the problem of a value with too many bytes.
func tooLarge(field string, size, limit int) *edge.Problem {
	return &edge.Problem{Status: http.StatusRequestEntityTooLarge, Code: edge.CodePayloadTooLarge,
		Field: field, Detail: field + ": got " + itoa(size) + " bytes, expected at most " + itoa(limit)}
}

func quoteShort(s string) string { return strconv.Quote(strictjson.Shorten(s)) }

func itoa(n int) string { return strconv.Itoa(n) }
