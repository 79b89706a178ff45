package notify

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/roomcast/roomcast/notify/strictjson"
)

// Message is one entry of the log, shared by every member that gets it. It is immutable once appended.
type Message struct {
	ID        ID // of a volatile message: the head when it was published, so the cursor of whoever gets it
	Volatile  bool
	Namespace string   // "/" or "/n"
	Rooms     []string // hub rooms, namespace-qualified, each once
	Except    []string // hub rooms whose members do not get it
	Type      string
	Timestamp time.Time // UTC, milliseconds

	// TTL bounds the replay, counted from Timestamp; 0 does not.
	TTL time.Duration

	// A notification. Metadata is nil or an object.
	Data, Metadata json.RawMessage

	// An emit: the JSON array of its arguments, []byte in it as base64 strings.
	Args json.RawMessage
	// An emit with binary: the same with {"_placeholder":true,"num":i} for Attachments[i].
	BinaryArgs  json.RawMessage
	Attachments [][]byte

	// Bare marks a notification whose EventSource form is Data alone under its own type, never renamed.
	Bare bool

	cost     int64     // bytes that it takes, set before it is delivered
	accepted time.Time // on this node; zero for a message of another
	matched  Receipt   // counts of this node, written under the Hub's lock before Append returns
	frames   [slots]struct {
		once  sync.Once
		frame Frame
	}
}

// Accepted returns when this node took the message, with a monotonic reading for measuring how long its way was. It
// is zero for a message that the log had from elsewhere.
func (m *Message) Accepted() time.Time { return m.accepted }

// Frame is a message encoded for one transport, shared by all its members.
type Frame interface {
	Size() int // bytes on the wire
}

// Slot is a place for one frame of a message.
type Slot int

// The forms of a message. Envelope is that of streams that want everything as the notification object; a transport
// takes it only for what has another form in EventSource.
const (
	SocketIO Slot = iota
	EventSource
	Envelope

	slots = 3
)

// Frame returns the frame in slot and builds it at the first call, at most once however many members ask at the
// same time. Later calls take no lock.
func (m *Message) Frame(slot Slot, build func(*Message) Frame) Frame {
	f := &m.frames[slot]
	f.once.Do(func() { f.frame = build(m) })
	return f.frame
}

// TimestampFormat is the layout of every timestamp on the wire, in UTC.
const TimestampFormat = "2006-01-02T15:04:05.000Z"

// AppendJSON appends the notification object:
//
//	{"id":…,"type":…,"data":…,"timestamp":"2026-11-22T10:00:00.000Z","metadata":{…}}
//
// A volatile message has no id, one without metadata no metadata. Data is copied byte for byte, line breaks
// between its tokens included. The data of an emit is its Payload.
func (m *Message) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	if !m.Volatile {
		dst = append(dst, `"id":"`...)
		dst = m.ID.AppendTo(dst)
		dst = append(dst, `",`...)
	}
	dst = append(dst, `"type":`...)
	dst = strictjson.AppendString(dst, m.Type)
	dst = append(dst, `,"data":`...)
	dst = append(dst, m.Payload()...)
	dst = append(dst, `,"timestamp":"`...)
	dst = m.Timestamp.UTC().AppendFormat(dst, TimestampFormat)
	dst = append(dst, '"')
	if m.Metadata != nil {
		dst = append(dst, `,"metadata":`...)
		dst = append(dst, m.Metadata...)
	}
	return append(dst, '}')
}

// Payload returns the JSON value that a reader of notifications sees as data: Data (null when nil), or, for an
// emit, its one argument, the array of several, null for none.
func (m *Message) Payload() json.RawMessage {
	if m.Args == nil {
		if m.Data == nil {
			return json.RawMessage("null")
		}
		return m.Data
	}
	var args []json.RawMessage
	if err := json.Unmarshal(m.Args, &args); err != nil {
		return m.Args
	}
	switch len(args) {
	case 0:
		return json.RawMessage("null")
	case 1:
		return args[0]
	}
	return m.Args
}

// appendStrings appends names as a JSON array.
func appendStrings(dst []byte, names []string) []byte {
	dst = append(dst, '[')
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strictjson.AppendString(dst, name)
	}
	return append(dst, ']')
}
