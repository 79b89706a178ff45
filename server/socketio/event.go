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

// Bind decodes the arguments, in their order, into pointers, as encoding/json does; one more argument than pointers is
// ignored, as a Node handler ignores it. A *[]byte takes a binary attachment. The error is an *ArgumentError for an
// argument that is missing or of another type.
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

func (a Args) bind(i int, target any) error {
	if data, ok := target.(*[]byte); ok && len(a.parts) > 0 {
		v, err := a.value(i)
		if err != nil {
			return err
		}
		if *data, ok = v.([]byte); !ok {
			return &ArgumentError{i, "expected binary"}
		}
		return nil
	}
	if err := json.Unmarshal(a.raw[i], target); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return &ArgumentError{i, "got " + wrong.Value + ", expected " + wrong.Type.String()}
		}
		return &ArgumentError{i, "cannot be decoded"}
	}
	return nil
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
	if len(a.parts) == 0 || !bytes.Contains(a.raw[i], []byte("_placeholder")) {
		return v, nil
	}
	if v, err = fill(v, a.parts); err != nil {
		return nil, &ArgumentError{i, err.Error()}
	}
	return v, nil
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
			num, ok := t["num"].(float64)
			if !ok || num < 0 || num >= float64(len(attachments)) || num != float64(int(num)) {
				return nil, errors.New("placeholder is out of range")
			}
			return attachments[int(num)], nil
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

// checkEvent refuses the names that Socket.IO keeps for itself.
func checkEvent(name string) error {
	if reservedEvents[name] {
		return &notify.ValidationError{Field: "event", Reason: fmt.Sprintf("%q is reserved by Socket.IO", name)}
	}
	return nil
}
