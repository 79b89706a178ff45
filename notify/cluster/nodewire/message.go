package nodewire

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/rooms"
)

// FromMessage returns the entry of a message that a Hub has validated. The nonce, which the field rc
// has, makes the message one of its server. The error is a *notify.ValidationError: Node cannot get the
// message.
//
// A notification becomes the event of its type with one argument, the notification object without
// its id; Node's clients have the id as the last argument of the event. The entry has the TTL in
// milliseconds, rounded up.
func FromMessage(m *notify.Message, uid, nonce string) (*Entry, error) {
	e := &Entry{}
	if err := e.set(m, uid, nonce, nil); err != nil {
		return nil, err
	}
	return e, nil
}

// set makes e the entry of a message. The packet can be in memory.
func (e *Entry) set(m *notify.Message, uid, nonce string, memory []byte) error {
	*e = Entry{
		Type: TypeBroadcast, UID: uid, Namespace: cmp.Or(m.Namespace, notify.RootNamespace),
		mark: mark{
			kind: kindNotification, nonce: nonce, timestamp: m.Timestamp.UnixMilli(),
			ttl: m.TTL.Milliseconds(), retain: m.Retain,
		},
	}
	if m.TTL%time.Millisecond > 0 {
		e.mark.ttl++
	}
	to := notify.Recipients{Rooms: m.Rooms, Except: m.Except}
	var err error
	if e.Opts, err = OptsOf(e.Namespace, to); err != nil {
		return err
	}
	e.Opts.Volatile = m.Volatile
	back := e.ownRecipients()
	if !slices.Equal(back.Rooms, m.Rooms) {
		e.mark.to = m.Rooms
	}
	if !slices.Equal(back.Except, m.Except) {
		e.mark.ex = m.Except
	}
	if !utf8.ValidString(m.Type) {
		return refuse("type", "is not valid UTF-8")
	}
	switch {
	case m.Args != nil:
		e.mark.kind, e.mark.metadata = kindEmit, m.Metadata
		e.Packet = Value{m.Args, m.Attachments}
		if len(m.Attachments) > 0 {
			e.Packet.JSON = m.BinaryArgs
		}
		e.Packet.JSON, err = appendEmit(memory, m.Type, e.Packet.JSON)
	case m.Bare:
		e.mark.kind, e.mark.metadata = kindBare, m.Metadata
		text := append(strictjson.AppendString(append(memory, '['), m.Type), ',')
		e.Packet.JSON = append(append(text, m.Payload()...), ']')
	default:
		e.Packet.JSON = appendNotification(slices.Grow(memory, len(m.Data)+len(m.Metadata)+128), m)
	}
	if err != nil {
		return err
	}
	return e.checkMark()
}

// checkMark checks what only FromMessage sets.
func (e *Entry) checkMark() error {
	if !utf8.ValidString(e.mark.nonce) || !e.mark.valid(e.Namespace) {
		return refuse("message", "has a time, TTL, room or nonce that has no form in the stream")
	}
	if e.mark.metadata == nil {
		return nil
	}
	rules := strictjson.Rules{Depth: packetDepth, DuplicateKeys: true}
	c, err := strictjson.Check(e.mark.metadata, rules)
	if err != nil || c.Kind() != strictjson.Object {
		return refuse("metadata", "is not an object")
	}
	return nil
}

func appendEmit(dst []byte, event string, args []byte) ([]byte, error) {
	args = bytes.TrimSpace(args)
	if len(args) < 2 || args[0] != '[' {
		return nil, refuse("args", "is not an array")
	}
	dst = strictjson.AppendString(append(dst, '['), event)
	if inner := args[1 : len(args)-1]; len(bytes.TrimSpace(inner)) > 0 {
		dst = append(append(dst, ','), inner...)
	}
	return append(dst, ']'), nil
}

// appendNotification appends the packet of a notification.
func appendNotification(dst []byte, m *notify.Message) []byte {
	dst = strictjson.AppendString(append(dst, '['), m.Type)
	dst = strictjson.AppendString(append(dst, `,{"type":`...), m.Type)
	dst = append(append(dst, `,"data":`...), m.Payload()...)
	dst = append(dst, `,"timestamp":"`...)
	dst = m.Timestamp.UTC().AppendFormat(dst, notify.TimestampFormat)
	dst = append(dst, '"')
	if m.Metadata != nil {
		dst = append(append(dst, `,"metadata":`...), m.Metadata...)
	}
	return append(dst, `}]`...)
}

// Message returns the message of a broadcast that was decoded: the one that a Roomcast node gave to
// FromMessage, or an emit of Node, which gets the time at. The message has the ID id. The error is
// ErrIgnored for other entries, for a broadcast that clients acknowledge, and for one without
// recipients.
func (e *Entry) Message(id notify.ID, at time.Time) (*notify.Message, error) {
	if e.Type != TypeBroadcast || e.RequestID != "" || e.event == "" {
		return nil, ErrIgnored
	}
	m := &notify.Message{ID: id, Namespace: e.Namespace, Type: e.event, Volatile: e.Opts.Volatile}
	if e.mark.kind == "" || !e.restore(m) {
		to := e.Opts.Recipients(e.Namespace)
		m.Rooms, m.Except = to.Rooms, to.Except
		m.Timestamp = at.UTC().Truncate(time.Millisecond)
		e.setArgs(m)
	}
	if len(m.Rooms) == 0 {
		return nil, ErrIgnored
	}
	return m, nil
}

// restore sets what FromMessage was given. It reports whether the entry has the form that
// FromMessage writes.
func (e *Entry) restore(m *notify.Message) bool {
	switch e.mark.kind {
	case kindEmit:
		e.setArgs(m)
		m.Metadata = e.mark.metadata
	case kindBare:
		if len(e.Packet.Attachments) > 0 || e.first.Kind() == strictjson.None {
			return false
		}
		m.Bare, m.Metadata, m.Data = true, e.mark.metadata, notNull(copyOf(e.first))
	default:
		if len(e.Packet.Attachments) > 0 || !restoreNotification(m, e.first) {
			return false
		}
	}
	to := e.ownRecipients()
	m.Rooms, m.Except = to.Rooms, to.Except
	if e.mark.to != nil {
		m.Rooms = e.mark.to
	}
	if e.mark.ex != nil {
		m.Except = e.mark.ex
	}
	m.Timestamp = time.UnixMilli(e.mark.timestamp).UTC()
	m.TTL, m.Retain = time.Duration(e.mark.ttl)*time.Millisecond, e.mark.retain
	return true
}

// ownRecipients returns the hub rooms of an entry that nodeRooms has named.
func (e *Entry) ownRecipients() notify.Recipients {
	to := notify.Recipients{Rooms: []string{rooms.In(e.Namespace, rooms.All)},
		Except: ownRooms(e.Namespace, e.Opts.Except)}
	if len(e.Opts.Rooms) > 0 {
		to.Rooms = ownRooms(e.Namespace, e.Opts.Rooms)
	}
	return to
}

// restoreNotification reads the notification object.
func restoreNotification(m *notify.Message, object strictjson.Checked) bool {
	var data, metadata json.RawMessage
	same := false
	for member := range object.Members() {
		switch member.Name {
		case "type":
			name, err := member.Value.Text()
			same = err == nil && name == m.Type
		case "data":
			data = copyOf(member.Value)
		case "metadata":
			if member.Value.Kind() != strictjson.Object {
				return false
			}
			metadata = copyOf(member.Value)
		}
	}
	if !same || data == nil {
		return false
	}
	m.Data, m.Metadata = notNull(data), metadata
	return true
}

// copyOf returns the text of a value on one line, in memory of its own.
func copyOf(c strictjson.Checked) json.RawMessage {
	return bytes.Clone(strictjson.OneLine(c.Bytes()))
}

// notNull returns nil for null, as a message without data has.
func notNull(data json.RawMessage) json.RawMessage {
	if string(data) == "null" {
		return nil
	}
	return data
}

// setArgs sets the arguments of an emit.
func (e *Entry) setArgs(m *notify.Message) {
	args := append(json.RawMessage{'['}, arguments(e.Packet.JSON)...)
	if len(e.Packet.Attachments) == 0 {
		m.Args = slices.Clip(args)
		return
	}
	m.BinaryArgs, m.Attachments = slices.Clip(args), e.Packet.Attachments
	size := len(args)
	for _, a := range m.Attachments {
		size += base64.StdEncoding.EncodedLen(len(a))
	}
	m.Args = fill(make([]byte, 0, size), args, m.Attachments, appendBase64)
}
