package notify

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/rooms"
)

// Message is one entry of the log. All members that get it share it. It is immutable after the Hub
// has appended it.
type Message struct {
	// ID is the position in the log. A volatile message has that of the head at its publish, which
	// is the cursor of every member that gets it.
	ID       ID
	Volatile bool
	// Local keeps a volatile message from the other nodes of a cluster.
	Local bool
	// Retain keeps the message as the newest of its type for members that join its one room later.
	// The log stores it with the message. See Notification.Retain.
	Retain    bool
	Namespace string   // "/" or "/n"
	Rooms     []string // hub rooms, namespace-qualified, each once
	Except    []string // hub rooms whose members do not get it
	Type      string
	Timestamp time.Time // UTC, milliseconds

	// Stored is when the log stored a message of an earlier process. It is zero for other messages.
	Stored time.Time

	// TTL limits the replay, counted from Timestamp. 0 is no limit.
	TTL time.Duration

	// Data and Metadata are those of a notification. Metadata is nil or an object. The Hub puts all
	// JSON of a message on one line.
	Data, Metadata json.RawMessage

	// Args are the arguments of an emit, a JSON array. A []byte in it is a base64 string.
	Args json.RawMessage
	// BinaryArgs are the same for an emit with binary, with {"_placeholder":true,"num":i} for
	// Attachments[i].
	BinaryArgs  json.RawMessage
	Attachments [][]byte

	// Bare marks a notification that EventSource sends as Data alone, under its own type, never
	// renamed.
	Bare bool

	// Trace observes the writes to connections of this node. Nil: nobody does.
	Trace Trace

	absent   *absent     // nil: nobody asks who misses it
	marked   *Message    // the form for members that join later; nil without Retain
	cost     int64       // bytes of memory; set before the delivery
	accepted time.Time   // by this node; zero for a message of another node
	matched  Receipt     // counts of this node; read it after counted only
	counted  atomic.Bool // matched is set: the fan-out has ended
	kept     atomic.Bool // the index of this node has it
	frames   [slots]struct {
		once  sync.Once
		frame Frame
	}
}

// Accepted returns the time at which this node accepted the message, with a monotonic reading to
// measure the time to the write. It is zero for a message of another node.
func (m *Message) Accepted() time.Time { return m.accepted }

// Frame is a message encoded for one transport. All members of the transport share it.
type Frame interface {
	Size() int // bytes on the wire
}

// Slot is the place for one frame in a message.
type Slot int

// The slots of a message. Envelope is for streams that want every message as a notification object;
// a transport uses it only for messages whose EventSource form is another one.
const (
	SocketIO Slot = iota
	EventSource
	Envelope

	slots = 3
)

// Frame returns the frame in slot. The first call builds it; concurrent calls wait for that one.
// Later calls take no lock.
func (m *Message) Frame(slot Slot, build func(*Message) Frame) Frame {
	f := &m.frames[slot]
	f.once.Do(func() { f.frame = build(m) })
	return f.frame
}

// AppendJSON appends the notification object:
//
//	{"id":…,"type":…,"data":…,"timestamp":"2026-11-22T10:00:00.000Z","metadata":{…}}
//
// A volatile message has no id. Data is copied byte for byte; after the Hub has sent the message it
// has no line breaks. The data of an emit is its Payload.
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

// Payload returns the JSON value that a reader of notifications sees as data: Data (null if it is
// nil) or, for an emit, the one argument, the array of several arguments, or null for none.
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

// Channels returns the channels of "/" that m was sent to. It is nil if m was also sent to users,
// connections or everyone, and in another namespace. Unlike the metadata, of which the sender
// chooses a part, it says for sure why a member gets m. The caller must not change it.
func (m *Message) Channels() []string {
	if m.Namespace != RootNamespace {
		return nil
	}
	for _, room := range m.Rooms {
		if !rooms.IsChannel(room) {
			return nil
		}
	}
	return m.Rooms
}

// AppendStrings appends names as a JSON array.
func AppendStrings(dst []byte, names []string) []byte {
	dst = append(dst, '[')
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strictjson.AppendString(dst, name)
	}
	return append(dst, ']')
}
