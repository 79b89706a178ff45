package sse

import (
	"github.com/roomcast/roomcast/notify"
)

// enveloped returns the names for a stream with ?envelope=true. All events except control events
// then have the form of a notification and one event name, and control events have their own names
// on every route: EventSource has no listener for all events, so a client that does not know the
// names in advance needs a fixed one. The name is `message` unless the client sets `as`. The
// default of the server does not apply, because the client does not know it.
func enveloped(n names, asked, as []string) (names, error) {
	switch {
	case len(asked) == 0 || len(asked) == 1 && (asked[0] == "" || asked[0] == "false"):
		return n, nil
	case len(asked) != 1 || asked[0] != "true":
		return names{}, &notify.ValidationError{Field: "envelope", Reason: "expected true or false"}
	}
	name := defaultEvent
	if len(as) == 1 && as[0] != ownName {
		name = as[0]
	}
	return names{notifications: name, envelope: true}, nil
}

// split appends the start of m in the form of a stream with these names, and returns the rest: a
// part that all streams share, and its end. id, unless it is zero, replaces the id of the event. The envelope also has the channels that m was sent to,
// outside of what the sender writes: tabs that share a stream deliver by them. Few streams need
// them, so they are not part of the frame.
func (n names) split(
	dst []byte, f *frame, m *notify.Message, id notify.ID,
) (begun, shared, end []byte) {
	begun, shared = f.split(dst, n.notifications, id)
	if channels := m.Channels(); n.envelope && channels != nil {
		shared = shared[:len(shared)-len(envelopeEnd)]
		end = notify.AppendStrings([]byte(`,"channels":`), channels)
		end = append(end, envelopeEnd...)
	}
	return begun, shared, end
}

// envelopeEnd is the end of every frame of an envelope: of the object, the line and the event.
const envelopeEnd = "}\n\n"

// frameOf returns the frame of m for a stream with these names.
func (n names) frameOf(m *notify.Message) *frame {
	if n.envelope && (m.Args != nil || m.Bare) {
		return m.Frame(notify.Envelope, buildEnvelope).(*frame)
	}
	return frameOf(m)
}

// buildEnvelope encodes, in the form of a notification, a message for which [build] uses another
// form.
func buildEnvelope(m *notify.Message) notify.Frame { return encode(m, defaultEvent, true, false) }
