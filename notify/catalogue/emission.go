package catalogue

import (
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
)

const emissionKeys = "room, target, namespace, event, args, except or volatile"

// DecodeEmission decodes the body of POST /v1/emit, or an emit in the answer of an event hook. The
// error is a *notify.ValidationError. The Hub validates the names and the arguments. The emission
// shares no memory with body.
func DecodeEmission(body strictjson.Checked) (e notify.Emission, err error) {
	if body.Kind() != strictjson.Object {
		return e, wrongType("body", &Field{Type: TypeObject}, body)
	}
	hasEvent := false
	for m := range body.Members() {
		if err = checkKey("", m); err != nil {
			return e, err
		}
		null := m.Value.Kind() == strictjson.Null
		switch m.Name {
		case "room":
			if e.Room, err = DecodeName(m.Name, m.Value); err == nil && e.Room == "" {
				err = refuse(m.Name, "is empty, expected a room or a client id")
			}
		case "target":
			e.Target, err = DecodeTarget(m.Value)
		case "namespace":
			if !null {
				e.Namespace, err = DecodeText(m.Name, m.Value)
			}
		case "event":
			hasEvent = true
			e.Event, err = DecodeText(m.Name, m.Value)
		case "args":
			if !null {
				e.Args = m.Value.Clone().Bytes()
			}
		case "except":
			if !null {
				e.Except, err = DecodeNames(m.Name, m.Value)
			}
		case "volatile":
			if e.Volatile = string(m.Value.Bytes()) == "true"; !null && m.Value.Kind() != strictjson.Bool {
				err = wrongType(m.Name, &Field{Type: TypeBoolean}, m.Value)
			}
		default:
			err = refuse(strictjson.Shorten(m.Name), "unknown field, expected one of "+emissionKeys)
		}
		if err != nil {
			return e, err
		}
	}
	if !hasEvent {
		return e, refuse("event", "is missing, expected the name of an event")
	}
	return e, nil
}
