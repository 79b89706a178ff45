package sse

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/roomcast/roomcast/notify"
)

// defaultEvent is the event of onmessage. It replaces an event name that an event stream cannot
// carry.
const defaultEvent = "message"

// frame is the wire form of a message, encoded once and shared by all streams that get it:
//
//	id: 5f3a9c01-1042\nevent: payment:completed\ndata: {…}\n\n
//
// A frame is immutable: a stream with another event name copies the parts around the event line.
type frame struct {
	wire  []byte
	event int  // where the event line starts
	data  int  // where the first data line starts
	fixed bool // not a notification: its event name does not change
}

// Size returns the bytes on the wire with the own name of the message.
func (f *frame) Size() int { return len(f.wire) }

// split appends the start of the event and returns the rest, which all streams share. The name of
// the event becomes as, unless as is empty or the name is fixed. id replaces the id of the event,
// unless it is zero.
func (f *frame) split(dst []byte, as string, id notify.ID) (begun, shared []byte) {
	renamed := as != "" && !f.fixed
	switch {
	case !id.IsZero():
		dst = appendID(dst, id)
	case renamed:
		dst = append(dst, f.wire[:f.event]...)
	default:
		return dst, f.wire
	}
	if !renamed {
		return dst, f.wire[f.event:]
	}
	return appendField(dst, "event", as), f.wire[f.data:]
}

// frameOf returns the frame of m. The first call encodes it.
func frameOf(m *notify.Message) *frame { return m.Frame(notify.EventSource, build).(*frame) }

// frameOverhead covers the field names, the id twice, the timestamp and the punctuation of the
// notification object.
const frameOverhead = 192

// build encodes m with its own name: a notification as its object, an emit of Go code as its
// arguments, a bare message as its data. If an event stream cannot carry the name, build encodes
// the notification object with defaultEvent.
func build(m *notify.Message) notify.Frame {
	fixed := m.Args != nil || m.Bare
	if !carries(m.Type) {
		return encode(m, defaultEvent, true, fixed)
	}
	return encode(m, m.Type, !fixed, fixed)
}

// encode returns the frame of m: with its notification object, or with its payload alone.
func encode(m *notify.Message, name string, object, fixed bool) *frame {
	f := &frame{fixed: fixed}
	payload := m.Payload()
	f.wire = make([]byte, 0, frameOverhead+2*len(m.Type)+len(payload)+len(m.Metadata))
	f.wire = appendID(f.wire, m.ID)
	f.event = len(f.wire)
	f.wire = appendField(f.wire, "event", name)
	f.data = len(f.wire)
	switch {
	case !object:
		f.wire = appendData(f.wire, payload)
	case breaksLine(payload) || breaksLine(m.Metadata):
		f.wire = appendData(f.wire, m.AppendJSON(nil))
	default: // one line, encoded in place
		f.wire = append(f.wire, "data: "...)
		f.wire = m.AppendJSON(f.wire)
		f.wire = append(f.wire, '\n')
	}
	f.wire = append(f.wire, '\n')
	return f
}

// carries reports whether a listener of this name gets an event of this name. The name must not
// contain a character that ends a line or that a reader drops, because it could add fields to the
// stream. It must not be one of the two events that EventSource fires itself.
func carries(name string) bool {
	return name != "" && name != "open" && name != "error" &&
		!strings.ContainsAny(name, "\r\n\x00") && utf8.ValidString(name)
}

func appendID(dst []byte, id notify.ID) []byte {
	return append(id.AppendTo(append(dst, "id: "...)), '\n')
}

// appendField appends "name: value\n". The value must not contain a line break.
func appendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, '\n')
}

// appendData appends value as data lines. JSON may contain line breaks between its tokens. Each of
// them ends a data line: the reader joins the lines with \n (HTML Living Standard, section 9.2.6)
// and gets the same value.
func appendData(dst, value []byte) []byte {
	for {
		i := bytes.IndexAny(value, "\r\n")
		line := value
		if i >= 0 {
			line = value[:i]
		}
		dst = append(dst, "data: "...)
		dst = append(dst, line...)
		dst = append(dst, '\n')
		if i < 0 {
			return dst
		}
		if value[i] == '\r' && i+1 < len(value) && value[i+1] == '\n' {
			i++
		}
		value = value[i+1:]
	}
}

func breaksLine(value []byte) bool {
	return bytes.IndexByte(value, '\n') >= 0 || bytes.IndexByte(value, '\r') >= 0
}
