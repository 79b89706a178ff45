package catalogue

import (
	"errors"
	"fmt"
	"strings"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/rooms"
)

// The functions in this file decode fields that all bodies of the HTTP API have, with the same
// errors.

const targetNames = "user, users, channel, channels, client or all"

// DecodeTarget decodes a target of the HTTP API, such as {"user":"u1"}. The error is a
// *notify.ValidationError with the field "target" or one in it. Publish validates the names.
func DecodeTarget(v strictjson.Checked) (notify.Target, error) {
	if v.Kind() != strictjson.Object {
		return notify.Target{}, refuse("target",
			"got "+v.Describe()+", expected an object with one of "+targetNames)
	}
	var only strictjson.Member
	n := 0
	for m := range v.Members() {
		if err := checkKey("target.", m); err != nil {
			return notify.Target{}, err
		}
		only = m
		n++
	}
	if n != 1 {
		return notify.Target{}, refuse("target",
			"got "+some(v)+", expected exactly one of "+targetNames)
	}
	return decodeTarget(only)
}

// decodeTarget decodes the only member of a target.
func decodeTarget(m strictjson.Member) (t notify.Target, err error) {
	field := "target." + strictjson.Shorten(m.Name)
	var name string
	var names []string
	switch m.Name {
	case "user", "channel", "client":
		name, err = DecodeName(field, m.Value)
	case "users", "channels":
		names, err = DecodeNames(field, m.Value)
	case "all":
		if string(m.Value.Bytes()) != "true" {
			err = refuse(field, "got "+m.Value.Describe()+", expected true")
		}
	default:
		err = refuse(field, "unknown field, expected one of "+targetNames)
	}
	if err != nil {
		return t, err
	}
	switch m.Name {
	case "user":
		t = notify.ToUser(name)
	case "users":
		t = notify.ToUsers(names...)
	case "channel":
		t = notify.ToChannel(name)
	case "channels":
		t = notify.ToChannels(names...)
	case "client":
		t = notify.ToClient(name)
	case "all":
		t = notify.ToAll()
	}
	return t, nil
}

// refuse returns a *notify.ValidationError.
func refuse(field, reason string) error {
	return &notify.ValidationError{Field: field, Reason: reason}
}

// refuseName returns the error of a rule for names as a *notify.ValidationError, and nil for nil.
func refuseName(err error) error {
	var name *rooms.NameError
	if errors.As(err, &name) {
		return refuse(name.Field, name.Reason)
	}
	return err
}

// checkKey refuses a key with half a surrogate pair. prefix is that of its path in errors.
func checkKey(prefix string, m strictjson.Member) error {
	if m.NameErr() != nil {
		return refuse(prefix+"a key", halfSurrogate)
	}
	return nil
}

const halfSurrogate = "got half a surrogate pair, expected valid Unicode"

// some lists the names of the first members of an object.
func some(object strictjson.Checked) string {
	var names []string
	for m := range object.Members() {
		if names = append(names, strictjson.Shorten(m.Name)); len(names) == 8 {
			break
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

// DecodeNames decodes an array of up to notify.MaxTargets names: strings, or whole numbers as in
// rooms.Name. field is its path in the error, a *notify.ValidationError.
func DecodeNames(field string, v strictjson.Checked) ([]string, error) {
	if v.Kind() != strictjson.Array {
		return nil, wrongType(field, &Field{Type: TypeArray, Items: TypeString}, v)
	}
	names := []string{}
	for e := range v.Elements() {
		if len(names) == notify.MaxTargets {
			return nil, refuse(field,
				fmt.Sprintf("got more than %d elements, expected at most %[1]d", notify.MaxTargets))
		}
		name, err := DecodeName("", e)
		var invalid *notify.ValidationError
		if errors.As(err, &invalid) {
			return nil, refuse(fmt.Sprintf("%s[%d]", field, len(names)), invalid.Reason)
		}
		names = append(names, name)
	}
	return names, nil
}

// DecodeName decodes a string, or a whole number as in rooms.Name. field is its path in the error, a
// *notify.ValidationError.
func DecodeName(field string, v strictjson.Checked) (string, error) {
	if text, ok := rooms.Number(v.Bytes()); ok {
		return text, nil
	}
	return DecodeText(field, v)
}

// DecodeText decodes a string. field is its path in the error, a *notify.ValidationError. It
// refuses half a surrogate pair; see strictjson.Checked.Text.
func DecodeText(field string, v strictjson.Checked) (string, error) {
	if v.Kind() != strictjson.String {
		return "", wrongType(field, &Field{Type: TypeString}, v)
	}
	s, err := v.Text()
	if err != nil {
		return "", refuse(field, halfSurrogate)
	}
	return s, nil
}
