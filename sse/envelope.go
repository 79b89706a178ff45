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

// append appends m to dst in the form of a stream with these names. The envelope also has the
// channels that m was sent to, outside of what the sender writes: tabs that share a stream deliver
// by them. Few streams need them, so they are not part of the frame.
func (n names) append(dst []byte, f *frame, m *notify.Message) []byte {
	dst = f.appendTo(dst, n.notifications)
	if channels := m.Channels(); n.envelope && channels != nil {
		dst = append(dst[:len(dst)-len(envelopeEnd)], `,"channels":`...)
		dst = notify.AppendStrings(dst, channels)
		dst = append(dst, envelopeEnd...)
	}
	return dst
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
