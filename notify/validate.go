package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/roomcast/roomcast/rooms"
)

// Validate checks the target: its names and how many there are. The error is a *ValidationError.
func (t Target) Validate() error {
	field := "target." + t.kind
	check := rooms.CheckChannel
	switch t.kind {
	case "all":
		return nil
	case "user", "users":
		check = rooms.CheckUserID
	case "channel", "channels":
	case "client":
		check = checkClientID
	default:
		return &ValidationError{"target", "is missing, expected user, users, channel, channels, client or all"}
	}
	if len(t.names) == 0 || len(t.names) > MaxTargets {
		return &ValidationError{field, fmt.Sprintf("has %d names, expected 1 to %d", len(t.names), MaxTargets)}
	}
	for i, name := range t.names {
		at := field
		if t.many {
			at = fmt.Sprintf("%s[%d]", field, i)
		}
		if err := check(at, name); err != nil {
			return invalid(err)
		}
	}
	return nil
}

// rooms returns the hub rooms of a valid target, each once.
func (t Target) rooms() []string {
	if t.kind == "all" {
		return []string{rooms.All}
	}
	name := func(s string) string { return rooms.In("/", s) }
	switch t.kind {
	case "user", "users":
		name = rooms.User
	case "client":
		name = rooms.Client
	}
	list := make([]string, 0, len(t.names))
	seen := make(map[string]bool, len(t.names))
	for _, n := range t.names {
		if !seen[n] {
			seen[n] = true
			list = append(list, name(n))
		}
	}
	return list
}

// newMessage validates a publish and builds its message.
func newMessage(n Notification, t Target) (*Message, error) {
	if err := rooms.CheckType(n.Type); err != nil {
		return nil, invalid(err)
	}
	if err := t.Validate(); err != nil {
		return nil, err
	}
	if len(n.Data) > 0 {
		if err := checkJSON("data", n.Data, MaxData); err != nil {
			return nil, err
		}
	}
	metadata, err := checkMetadata(n.Metadata)
	if err != nil {
		return nil, err
	}
	except, err := exceptRooms(n.Except)
	if err != nil {
		return nil, err
	}
	if err := checkTTL(n); err != nil {
		return nil, err
	}
	to := t.rooms()
	m := &Message{
		Namespace: "/", Rooms: to, Except: except, Volatile: n.Volatile, TTL: n.TTL,
		Type: n.Type, Metadata: addChannel(metadata, t, to), // the room of a channel is its name
	}
	if len(n.Data) > 0 {
		m.Data = n.Data
	}
	return m, nil
}

// checkTTL: what is not stored cannot expire.
func checkTTL(n Notification) error {
	switch {
	case n.TTL < 0:
		return &ValidationError{"ttl", fmt.Sprintf("is %v, expected a positive duration", n.TTL)}
	case n.TTL > 0 && n.Volatile:
		return &ValidationError{"ttl", "bounds the replay, and what is volatile is never replayed: expected one of the two"}
	}
	return nil
}

// exceptRooms returns the rooms of the clients that do not get it.
func exceptRooms(clientIDs []string) ([]string, error) {
	if len(clientIDs) > MaxTargets {
		return nil, &ValidationError{"except", fmt.Sprintf("has %d client ids, expected at most %d", len(clientIDs), MaxTargets)}
	}
	var list []string
	for i, id := range clientIDs {
		if err := checkClientID(fmt.Sprintf("except[%d]", i), id); err != nil {
			return nil, invalid(err)
		}
		list = append(list, rooms.Client(id))
	}
	return list, nil
}

func checkClientID(field, id string) error { return rooms.CheckName(field, id, rooms.MaxName) }

// checkMetadata returns metadata without surrounding space, nil for none.
func checkMetadata(raw json.RawMessage) (json.RawMessage, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	if raw[0] != '{' {
		return nil, &ValidationError{"metadata", "is not an object"}
	}
	return raw, checkJSON("metadata", raw, MaxMetadata)
}

// checkJSON checks size, encoding and depth before the grammar, so that no parser meets what is too deep.
func checkJSON(field string, raw []byte, limit int) error {
	switch {
	case len(raw) > limit:
		return &ValidationError{field, fmt.Sprintf("is %d bytes long, expected at most %d", len(raw), limit)}
	case !utf8.Valid(raw):
		return &ValidationError{field, "is not valid UTF-8"}
	case depth(raw) > MaxDepth:
		return &ValidationError{field, fmt.Sprintf("is nested deeper than %d arrays and objects", MaxDepth)}
	case !json.Valid(raw):
		return &ValidationError{field, "is not valid JSON"}
	}
	return nil
}

// depth returns how deep the brackets outside strings are nested, a little too much at most for what is not JSON.
func depth(raw []byte) (deepest int) {
	depth, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

// addChannel puts the channels of the target into metadata, as "channel" or "channels" in place of the sender's.
func addChannel(metadata json.RawMessage, t Target, channels []string) json.RawMessage {
	if t.kind != "channel" && t.kind != "channels" {
		return metadata
	}
	fields := map[string]json.RawMessage{}
	if metadata != nil {
		_ = json.Unmarshal(metadata, &fields) // checked to be an object
	}
	if _, taken := fields[t.kind]; taken {
		delete(fields, t.kind)
		metadata, _ = json.Marshal(fields) // of valid values
	}
	object := []byte{'{'}
	if len(fields) > 0 {
		object = append(object, metadata[1:len(metadata)-1]...)
		object = append(object, ',')
	}
	object = appendString(object, t.kind)
	object = append(object, ':')
	if t.many {
		object = appendStrings(object, channels)
	} else {
		object = appendString(object, channels[0])
	}
	return append(object, '}')
}

// invalid turns the error of a name rule into a ValidationError.
func invalid(err error) error {
	var name *rooms.NameError
	if errors.As(err, &name) {
		return &ValidationError{name.Field, name.Reason}
	}
	return err
}
