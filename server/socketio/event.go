package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/roomcast/roomcast/notify"
)

// Event is what a client emitted. It is valid as long as the handler wants; Ack may be called later, by any goroutine.
type Event struct {
	Name string
	Args
	ack  func(args []any) // nil: the client waits for no acknowledgement
	once sync.Once
}

// WantsAck reports whether the client waits for an acknowledgement.
func (e *Event) WantsAck() bool { return e.ack != nil }

// Ack acknowledges the event, with any arguments. Only its first call counts; without WantsAck it does nothing.
func (e *Event) Ack(args ...any) {
	if e.ack != nil {
		e.once.Do(func() { e.ack(args) })
	}
}

// Answer is a client's acknowledgement.
type Answer struct {
	ClientID string
	Args
}

// Args are the arguments of an event or an acknowledgement, as the client sent them: nothing is decoded until it is
// asked for.
type Args struct {
	raw   []json.RawMessage
	parts [][]byte // binary attachments
}

// Len is the number of arguments.
func (a Args) Len() int { return len(a.raw) }

// JSON is the text of argument i, with {"_placeholder":true,"num":n} in the place of a binary attachment. It must not
// be changed.
func (a Args) JSON(i int) json.RawMessage { return a.raw[i] }

// Binary are the binary attachments. They must not be changed.
func (a Args) Binary() [][]byte { return a.parts }

// ArgumentError says which argument a client got wrong. In an acknowledgement it has the code "validation".
type ArgumentError struct {
	Index  int // from 0
	Reason string
}

func (e *ArgumentError) Error() string { return fmt.Sprintf("argument %d: %s", e.Index+1, e.Reason) }

// Bind decodes the arguments, in their order, into pointers, as encoding/json does; arguments behind the last pointer are
// ignored, as a Node handler ignores them. Binary attachments are bytes: a *[]byte takes one that is the argument and
// nothing else, a []byte field one inside of it, and an *any is filled as Values does it. The error is an *ArgumentError
// for the first argument that is missing or of another type.
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
		v, err := a.value(i)
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
		*target, err = a.value(i)
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

// inline is argument i with its attachments as base64, which encoding/json decodes into []byte.
func (a Args) inline(i int) (json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(a.raw[i]))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, &ArgumentError{i, "cannot be decoded"}
	}
	v, err := fill(v, a.parts)
	if err != nil {
		return nil, &ArgumentError{i, err.Error()}
	}
	return marshal(v)
}

// Values decodes all arguments as encoding/json does into any, a binary attachment becoming a []byte.
func (a Args) Values() ([]any, error) {
	values := make([]any, len(a.raw))
	for i := range a.raw {
		var err error
		if values[i], err = a.value(i); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (a Args) value(i int) (v any, err error) {
	if err := json.Unmarshal(a.raw[i], &v); err != nil {
		return nil, &ArgumentError{i, "cannot be decoded"}
	}
	if !a.hasBinary(i) {
		return v, nil
	}
	if v, err = fill(v, a.parts); err != nil {
		return nil, &ArgumentError{i, err.Error()}
	}
	return v, nil
}

// hasBinary reports whether argument i may have an attachment.
func (a Args) hasBinary(i int) bool {
	return len(a.parts) > 0 && bytes.Contains(a.raw[i], []byte("_placeholder"))
}

// fill puts attachments in the place of the placeholders of v.
func fill(v any, attachments [][]byte) (any, error) {
	switch t := v.(type) {
	case []any:
		for i := range t {
			var err error
			if t[i], err = fill(t[i], attachments); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if marked, ok := t["_placeholder"].(bool); ok && marked {
			num, ok := index(t["num"], len(attachments))
			if !ok {
				return nil, errors.New("placeholder is out of range")
			}
			return attachments[num], nil
		}
		for key := range t {
			var err error
			if t[key], err = fill(t[key], attachments); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// index is a decoded JSON number from 0 to below size.
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

// checkEvent refuses the names that Socket.IO keeps for itself.
func checkEvent(name string) error {
	if reservedEvents[name] {
		return &notify.ValidationError{Field: "event", Reason: fmt.Sprintf("%q is reserved by Socket.IO", name)}
	}
	return nil
}
