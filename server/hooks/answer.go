package hooks

import (
	"errors"
	"fmt"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/catalogue"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/socketio"
)

const (
	// self and others stand in an emit for the connection whose event is answered, and for all
	// others of its namespace.
	self   = "@self"
	others = "@others"

	maxData    = 16 << 10 // bytes of the data of a connection
	answerKeys = "ack, join, leave, emit, data or disconnect"
)

// answer is what a handler wants to happen.
type answer struct {
	join, leave []string
	emits       []*notify.Message
	data        []byte // nil: unchanged
	ack         notify.SplitArgs
	hasAck      bool
	disconnect  bool
}

// decodeAnswer decodes the answer to an event of c. All of it is decoded before any of it is done.
// The error is a *Failure.
func (h *EventHook) decodeAnswer(
	c *socketio.Conn, text strictjson.Checked,
) (a answer, err error) {
	for m := range text.Members() {
		null := m.Value.Kind() == strictjson.Null
		known := true
		switch {
		case null && isOneOf(m.Name, answerKeys):
		case m.Name == "ack":
			a.hasAck = true
			a.ack, err = notify.SplitBinary(m.Value.Clone().Bytes())
			err = renamed(err, "args", "ack")
		case m.Name == "join":
			a.join, err = decodeRooms(m)
		case m.Name == "leave":
			a.leave, err = decodeRooms(m)
		case m.Name == "emit":
			a.emits, err = h.decodeEmits(c, m.Value)
		case m.Name == "data":
			a.data, err = mergeData(dataOf(c), m.Value)
		case m.Name == "disconnect":
			if a.disconnect = true; string(m.Value.Bytes()) == "false" {
				a.disconnect = false
			} else if string(m.Value.Bytes()) != "true" {
				_, err = catalogue.DecodeText(m.Name, m.Value)
			}
		default:
			known = false
		}
		if err := unusable(m, known, answerKeys, err); err != nil {
			return a, err
		}
	}
	return a, nil
}

// renamed puts another field into a validation error.
func renamed(err error, from, to string) error {
	var invalid *notify.ValidationError
	if errors.As(err, &invalid) && len(invalid.Field) >= len(from) {
		return &notify.ValidationError{Field: to + invalid.Field[len(from):], Reason: invalid.Reason}
	}
	return err
}

// decodeRooms decodes rooms to join or to leave. A handler may choose any but those of the server:
// they decide who gets the notifications of a user.
func decodeRooms(m strictjson.Member) ([]string, error) {
	names, err := catalogue.DecodeNames(m.Name, m.Value)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := rooms.CheckChannel(m.Name, name); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// decodeEmits returns the messages of the emits in an answer.
func (h *EventHook) decodeEmits(
	c *socketio.Conn, list strictjson.Checked,
) (messages []*notify.Message, err error) {
	if list.Kind() != strictjson.Array {
		return nil, &notify.ValidationError{Field: "emit", Reason: "got " + list.Describe() +
			", expected an array"}
	}
	for item := range list.Elements() {
		if len(messages) == notify.MaxBatch {
			return nil, &notify.ValidationError{Field: "emit", Reason: "has too many elements"}
		}
		var m *notify.Message
		e, err := catalogue.DecodeEmission(item)
		if err == nil {
			m, err = h.hub.Compose(relative(e, c))
		}
		if err != nil {
			return nil, fmt.Errorf("emit[%d]: %w", len(messages), err)
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// relative resolves what an emit says relative to a connection: its namespace, itself and others.
func relative(e notify.Emission, c *socketio.Conn) notify.Emission {
	if e.Namespace == "" {
		e.Namespace = c.Namespace()
	}
	switch e.Room {
	case self:
		e.Room = c.ID()
	case others:
		e.Room, e.Target = "", notify.ToAll()
		e.Except = append(e.Except, self)
	}
	for i, name := range e.Except {
		if name == self {
			e.Except[i] = c.ID()
		}
	}
	return e
}

// mergeData returns data with the members of change: null removes a member.
func mergeData(data []byte, change strictjson.Checked) ([]byte, error) {
	if change.Kind() != strictjson.Object {
		return nil, &notify.ValidationError{Field: "data", Reason: "got " + change.Describe() +
			", expected an object"}
	}
	current, err := strictjson.Split(data, strictjson.Rules{Depth: maxAnswerDepth})
	if err != nil {
		return nil, err
	}
	changed := map[string]bool{}
	merged := []byte{'{'}
	add := func(m strictjson.Member) {
		if len(merged) > 1 {
			merged = append(merged, ',')
		}
		merged = append(append(append(merged, m.Key...), ':'), m.Value.Bytes()...)
	}
	for m := range change.Members() {
		changed[m.Name] = true
		if m.Value.Kind() != strictjson.Null {
			add(m)
		}
	}
	for m := range current.Members() {
		if !changed[m.Name] {
			add(m)
		}
	}
	if merged = append(merged, '}'); len(merged) > maxData {
		return nil, &notify.ValidationError{Field: "data", Reason: "is too large for a connection"}
	}
	return merged, nil
}
