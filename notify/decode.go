package notify

import (
	"errors"
	"fmt"
	"strings"

	"github.com/roomcast/roomcast/notify/strictjson"
)

// What the bodies of the HTTP API have in common with those of kinds: read in one way, refused in the same words.

const targetNames = "user, users, channel, channels, client or all"

// DecodeTarget reads a target as the HTTP API has it, such as {"user":"u1"}. The error is a *ValidationError whose
// field is "target" or below. Names are checked when something is published to it.
func DecodeTarget(v strictjson.Checked) (t Target, err error) {
	if v.Kind() != strictjson.Object {
		return t, &ValidationError{"target", "got " + v.Describe() + ", expected an object with one of " + targetNames}
	}
	all, err := membersOf("target.", v)
	if err != nil {
		return t, err
	}
	if len(all) != 1 {
		return t, &ValidationError{"target", "got " + some(all) + ", expected exactly one of " + targetNames}
	}
	field := "target." + strictjson.Shorten(all[0].Name)
	var names []string
	switch name := all[0].Name; name {
	case "users", "channels":
		if names, err = DecodeNames(field, all[0].Value); name == "users" {
			return ToUsers(names...), err
		}
		return ToChannels(names...), err
	case "user", "channel", "client":
		one, err := DecodeText(field, all[0].Value)
		return Target{kind: name, names: []string{one}}, err
	case "all":
		if string(all[0].Value.Bytes()) != "true" {
			return t, &ValidationError{field, "got " + all[0].Value.Describe() + ", expected true"}
		}
		return ToAll(), nil
	}
	return t, &ValidationError{field, "unknown field, expected one of " + targetNames}
}

// membersOf returns the members of an object. Its keys have to be text, as names have. prefix is that of its fields
// in errors.
func membersOf(prefix string, object strictjson.Checked) (all []strictjson.Member, err error) {
	for m := range object.Members() {
		if m.NameErr != nil {
			return nil, &ValidationError{prefix + "a key", halfSurrogate}
		}
		all = append(all, m)
	}
	return all, nil
}

const halfSurrogate = "got half a surrogate pair, expected valid Unicode"

// some names the first of the fields of an object.
func some(all []strictjson.Member) string {
	if len(all) == 0 {
		return "none"
	}
	var names []string
	for _, m := range all[:min(len(all), 8)] {
		names = append(names, strictjson.Shorten(m.Name))
	}
	return strings.Join(names, ", ")
}

// DecodeNames reads an array of up to MaxTargets strings, each as DecodeText does. field names it in the error, a
// *ValidationError.
func DecodeNames(field string, v strictjson.Checked) ([]string, error) {
	if v.Kind() != strictjson.Array {
		return nil, wrongType(field, &Field{Type: TypeArray, Items: TypeString}, v)
	}
	names := []string{}
	for e := range v.Elements() {
		if len(names) == MaxTargets {
			return nil, &ValidationError{field, fmt.Sprintf("got more than %d elements, expected at most %[1]d", MaxTargets)}
		}
		name, err := DecodeText("", e)
		var invalid *ValidationError
		if errors.As(err, &invalid) {
			return nil, &ValidationError{fmt.Sprintf("%s[%d]", field, len(names)), invalid.Reason}
		}
		names = append(names, name)
	}
	return names, nil
}

// DecodeText reads a string. field names it in the error, a *ValidationError. Half a surrogate pair is refused: see
// strictjson.Checked.Text.
func DecodeText(field string, v strictjson.Checked) (string, error) {
	if v.Kind() != strictjson.String {
		return "", wrongType(field, &Field{Type: TypeString}, v)
	}
	s, err := v.Text()
	if err != nil {
		return "", &ValidationError{field, halfSurrogate}
	}
	return s, nil
}
