package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/rooms"
)

// Validate checks the target: its names and how many there are. The error is a *ValidationError.
func (t Target) Validate() error {
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
		return &ValidationError{"target." + t.kind, fmt.Sprintf("has %d names, expected 1 to %d", len(t.names), MaxTargets)}
	}
	for i, name := range t.names {
		if check("", name) == nil {
			continue
		}
		at := "target." + t.kind // named only when it is at fault
		if t.many {
			at = fmt.Sprintf("%s[%d]", at, i)
		}
		return invalid(check(at, name))
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
	if len(t.names) == 1 {
		return []string{name(t.names[0])}
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
	known := n.known()
	if len(n.Data) > 0 {
		if _, err := checkJSON("data", n.Data, MaxData, known.data); err != nil {
			return nil, err
		}
	}
	metadata, err := checkMetadata(n.Metadata, known.metadata)
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

// checkMetadata returns metadata without surrounding space, the zero Checked for none.
func checkMetadata(raw json.RawMessage, known strictjson.Checked) (strictjson.Checked, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return strictjson.Checked{}, nil
	}
	if raw[0] != '{' {
		return strictjson.Checked{}, &ValidationError{"metadata", "is not an object"}
	}
	return checkJSON("metadata", raw, MaxMetadata, known)
}

// jsonRules are those of data and of metadata.
var jsonRules = strictjson.Rules{Depth: MaxDepth}

// checkJSON checks raw, unless known is the proof that it was checked before.
func checkJSON(field string, raw []byte, limit int, known strictjson.Checked) (strictjson.Checked, error) {
	if len(raw) > limit {
		return strictjson.Checked{}, &ValidationError{field, fmt.Sprintf("is %d bytes long, expected at most %d", len(raw), limit)}
	}
	if known.Is(raw) && known.Obeys(jsonRules) {
		return known, nil
	}
	checked, err := strictjson.Check(raw, jsonRules)
	if err != nil {
		return strictjson.Checked{}, invalidJSON(field, err)
	}
	return checked, nil
}

// invalidJSON turns an error of strictjson into a ValidationError.
func invalidJSON(field string, err error) error {
	var refused *strictjson.Error
	if errors.As(err, &refused) {
		return &ValidationError{refused.In(field).Path, refused.Reason}
	}
	return err
}

// addChannel puts the channels of the target into metadata, as "channel" or "channels" in place of the sender's.
func addChannel(metadata strictjson.Checked, t Target, channels []string) json.RawMessage {
	if t.kind != "channel" && t.kind != "channels" {
		return metadata.Bytes()
	}
	object := appendMembers([]byte{'{'}, metadata, t.kind)
	if len(object) > 1 {
		object = append(object, ',')
	}
	object = strictjson.AppendString(object, t.kind)
	object = append(object, ':')
	if t.many {
		object = appendStrings(object, channels)
	} else {
		object = strictjson.AppendString(object, channels[0])
	}
	return append(object, '}')
}

// appendMembers appends what is between the braces of an object, without the member of that name.
func appendMembers(dst []byte, object strictjson.Checked, without string) []byte {
	members := slices.Collect(object.Members())
	if len(members) == 0 {
		return dst
	}
	others := slices.DeleteFunc(members, func(m strictjson.Member) bool { return m.Name == without })
	if text := object.Bytes(); len(others) == len(members) {
		return append(dst, text[1:len(text)-1]...)
	}
	for i, m := range others {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, m.Key...), ':'), m.Value.Bytes()...)
	}
	return dst
}

// invalid turns the error of a name rule into a ValidationError.
func invalid(err error) error {
	var name *rooms.NameError
	if errors.As(err, &name) {
		return &ValidationError{name.Field, name.Reason}
	}
	return err
}
