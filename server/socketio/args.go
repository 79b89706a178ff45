package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/roomcast/roomcast/notify"
)

// Answer is the acknowledgement of a client.
type Answer struct {
	ClientID string
	Args
}

// Args are the arguments of an event or an acknowledgement, as the client sent them. They are
// decoded on demand.
type Args struct {
	raw   []json.RawMessage
	parts [][]byte // binary attachments
}

// Size returns the bytes of the arguments, attachments included.
func (a Args) Size() (n int) {
	for _, arg := range a.raw {
		n += len(arg)
	}
	for _, part := range a.parts {
		n += len(part)
	}
	return n
}

// Len returns the number of arguments.
func (a Args) Len() int { return len(a.raw) }

// JSON returns the text of argument i, with {"_placeholder":true,"num":n} in place of each binary
// attachment. The caller must not change it.
func (a Args) JSON(i int) json.RawMessage { return a.raw[i] }

// Binary returns the binary attachments. The caller must not change them.
func (a Args) Binary() [][]byte { return a.parts }

// MarshalJSON returns the arguments as an array, with {"$binary":"<base64>"} for each attachment.
func (a Args) MarshalJSON() ([]byte, error) {
	text := []byte{'['}
	for i, arg := range a.raw {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, notify.JoinBinary(arg, a.parts)...)
	}
	return append(text, ']'), nil
}

// ArgumentError names the argument of a client that is wrong. In an acknowledgement it has the code
// "validation".
type ArgumentError struct {
	Index  int // from 0
	Reason string
}

func (e *ArgumentError) Error() string {
	return fmt.Sprintf("argument %d: %s", e.Index+1, e.Reason)
}

// Bind decodes the arguments, in their order, into pointers, as encoding/json does. It ignores
// further arguments, as a Node handler does. A *[]byte takes an argument that is a binary
// attachment and nothing else; a []byte field takes an attachment inside an argument; *any takes
// the value that Values returns. The error is an *ArgumentError for the first argument that is
// missing or has another type.
//
//	var to string
//	var text string
//	if err := e.Bind(&to, &text); err != nil {
//		return err
//	}
func (a Args) Bind(targets ...any) error {
	for i, target := range targets {
		if i >= len(a.raw) {
			return &ArgumentError{i, "is missing"}
		}
		if err := a.bind(i, target); err != nil {
			return err
		}
	}
	return nil
}

func (a Args) bind(i int, target any) (err error) {
	text := a.raw[i]
	switch target := target.(type) {
	case *[]byte:
		v, err := a.value(i, make([]bool, len(a.parts)))
		if err != nil {
			return err
		}
		data, ok := v.([]byte)
		if !ok {
			return &ArgumentError{i, "expected binary"}
		}
		*target = data
		return nil
	case *any:
		*target, err = a.value(i, make([]bool, len(a.parts)))
		return err
	default:
		if a.hasBinary(i) {
			if text, err = a.inline(i); err != nil {
				return err
			}
		}
	}
	var wrong *json.UnmarshalTypeError
	switch err := json.Unmarshal(text, target); {
	case errors.As(err, &wrong):
		reason := "got " + wrong.Value + ", expected " + wrong.Type.String()
		if wrong.Field != "" {
			reason = wrong.Field + ": " + reason
		}
		return &ArgumentError{i, reason}
	case err != nil:
		return &ArgumentError{i, "cannot be decoded"}
	}
	return nil
}

// inline returns argument i with its attachments as base64, which encoding/json decodes into
// []byte.
func (a Args) inline(i int) (json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(a.raw[i]))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, &ArgumentError{i, "cannot be decoded"}
	}
	v, err := fill(v, a.parts, make([]bool, len(a.parts)))
	if err != nil {
		return nil, &ArgumentError{i, err.Error()}
	}
	return marshal(v)
}

// Values decodes all arguments as encoding/json decodes into any. A binary attachment becomes a
// []byte.
func (a Args) Values() ([]any, error) {
	values := make([]any, len(a.raw))
	used := make([]bool, len(a.parts))
	for i := range a.raw {
		var err error
		if values[i], err = a.value(i, used); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// value decodes argument i. used notes the attachments that are in it.
func (a Args) value(i int, used []bool) (v any, err error) {
	if err := json.Unmarshal(a.raw[i], &v); err != nil {
		return nil, &ArgumentError{i, "cannot be decoded"}
	}
	if !a.hasBinary(i) {
		return v, nil
	}
	if v, err = fill(v, a.parts, used); err != nil {
		return nil, &ArgumentError{i, err.Error()}
	}
	return v, nil
}

// hasBinary reports whether argument i may contain an attachment.
func (a Args) hasBinary(i int) bool {
	return len(a.parts) > 0 && bytes.Contains(a.raw[i], []byte("_placeholder"))
}

// fill replaces the placeholders in v by attachments. used notes which: an attachment has one place.
// With several, a small packet would become a large one wherever attachments are copied or encoded.
func fill(v any, attachments [][]byte, used []bool) (any, error) {
	switch t := v.(type) {
	case []any:
		for i := range t {
			var err error
			if t[i], err = fill(t[i], attachments, used); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if marked, ok := t["_placeholder"].(bool); ok && marked {
			num, ok := index(t["num"], len(attachments))
			switch {
			case !ok:
				return nil, errors.New("placeholder is out of range")
			case used[num]:
				return nil, errors.New("two placeholders for one attachment")
			}
			used[num] = true
			return attachments[num], nil
		}
		for key := range t {
			var err error
			if t[key], err = fill(t[key], attachments, used); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// index returns v as an index below size; v is a decoded JSON value.
func index(v any, size int) (i int, ok bool) {
	if number, decoded := v.(json.Number); decoded {
		v, _ = number.Float64()
	}
	f, ok := v.(float64)
	if !ok || f < 0 || f >= float64(size) || f != float64(int(f)) {
		return 0, false
	}
	return int(f), true
}
