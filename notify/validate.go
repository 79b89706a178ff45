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

// Validate checks the names in the target and their number. The error is a *ValidationError.
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
		return refuse("target",
			"is missing, expected user, users, channel, channels, client or all")
	}
	if len(t.names) == 0 || len(t.names) > MaxTargets {
		return refuse("target."+t.kind, "has %d names, expected 1 to %d", len(t.names), MaxTargets)
	}
	for i, name := range t.names {
		if check("", name) == nil {
			continue
		}
		at := "target." + t.kind // only now, since an error needs it
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

// newMessage validates a notification and its target, and builds the message.
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
	if n.Local && !n.Volatile {
		return nil, refuse("local", "is set without volatile: what is stored is for all nodes")
	}
	if err := checkRetain(n, t); err != nil {
		return nil, err
	}
	to := t.rooms()
	m := &Message{
		Namespace: "/", Rooms: to, Except: except, Volatile: n.Volatile, Local: n.Local, Retain: n.Retain,
		TTL:  n.TTL,
		Type: n.Type, Metadata: addChannel(metadata, t, to), // the room of a channel is its name
	}
	if len(n.Data) > 0 {
		m.Data = n.Data
	}
	return m, nil
}

// checkTTL refuses a TTL for a volatile notification, which the log does not store.
func checkTTL(n Notification) error {
	switch {
	case n.TTL < 0:
		return refuse("ttl", "is %v, expected a positive duration", n.TTL)
	case n.TTL > 0 && n.Volatile:
		return refuse("ttl", "limits the replay, which a volatile notification does not have")
	}
	return nil
}

// checkRetain refuses to retain what has no single room that members join, or no id.
func checkRetain(n Notification, t Target) error {
	switch {
	case !n.Retain:
	case n.Volatile:
		return refuse("retain", "needs a stored notification, and this one is volatile")
	case t.kind != "channel" && t.kind != "user":
		return refuse("retain", "needs a target of one channel or one user, got %s", t.kind)
	}
	return nil
}

// exceptRooms returns the rooms of the clients that do not get the notification.
func exceptRooms(clientIDs []string) ([]string, error) {
	if len(clientIDs) > MaxTargets {
		return nil, refuse("except", "has %d client ids, expected at most %d", len(clientIDs),
			MaxTargets)
	}
	var list []string
	for i, id := range clientIDs {
		if err := checkClientID(fmt.Sprintf("except[%d]", i), id); err != nil {
			return nil, invalid(err)
		}
		list = append(list, rooms.Client(id))
	}
	return distinct(list), nil
}

// distinct returns each name once: the Hub goes through the members of each room.
func distinct(names []string) []string {
	if len(names) < 2 {
		return names
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func checkClientID(field, id string) error { return rooms.CheckName(field, id, rooms.MaxName) }

// checkMetadata returns metadata without space around it. No metadata is the zero Checked.
func checkMetadata(raw json.RawMessage, known strictjson.Checked) (strictjson.Checked, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return strictjson.Checked{}, nil
	}
	if raw[0] != '{' {
		return strictjson.Checked{}, refuse("metadata", "is not an object")
	}
	return checkJSON("metadata", raw, MaxMetadata, known)
}

// jsonRules are the rules for data and metadata.
var jsonRules = strictjson.Rules{Depth: MaxDepth}

// checkJSON checks raw, unless known proves that strictjson has checked it before.
func checkJSON(
	field string, raw []byte, limit int, known strictjson.Checked,
) (checked strictjson.Checked, err error) {
	if len(raw) > limit {
		return checked, refuse(field, "is %d bytes long, expected at most %d", len(raw), limit)
	}
	if known.Is(raw) && known.Obeys(jsonRules) {
		return known, nil
	}
	if checked, err = strictjson.Check(raw, jsonRules); err != nil {
		return checked, invalidJSON(field, err)
	}
	return checked, nil
}

// invalidJSON returns an error of strictjson as a *ValidationError.
func invalidJSON(field string, err error) error {
	var refused *strictjson.Error
	if errors.As(err, &refused) {
		return &ValidationError{refused.In(field).Path, refused.Reason}
	}
	return err
}

// addChannel sets the member "channel" or "channels" of metadata to the channels of the target.
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
		object = AppendStrings(object, channels)
	} else {
		object = strictjson.AppendString(object, channels[0])
	}
	return append(object, '}')
}

// appendMembers appends the text between the braces of an object, without the member of that name.
func appendMembers(dst []byte, object strictjson.Checked, without string) []byte {
	members := slices.Collect(object.Members())
	if len(members) == 0 {
		return dst
	}
	isIt := func(m strictjson.Member) bool { return m.Name == without }
	others := slices.DeleteFunc(members, isIt)
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

// refuse returns a *ValidationError.
func refuse(field, format string, args ...any) error {
	return &ValidationError{field, fmt.Sprintf(format, args...)}
}

// invalid returns the error of a rule for names as a *ValidationError.
func invalid(err error) error {
	var name *rooms.NameError
	if errors.As(err, &name) {
		return &ValidationError{name.Field, name.Reason}
	}
	return err
}
