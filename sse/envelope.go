package sse

import (
	"github.com/roomcast/roomcast/notify"
)

// enveloped is n for a stream that asks for ?envelope=true: whatever is not a control event comes as one event, in the
// notification object, and control events have their own names on every route. That suits a reader that cannot listen
// to names it does not know, as EventSource has no listener for all events. The event is `message` unless the client
// chose a name by `as`; the server's default name is not asked, which the client does not know.
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

// frameOf returns the frame of m that a stream of these names writes.
func (n names) frameOf(m *notify.Message) *frame {
	if n.envelope && (m.Args != nil || m.Bare) {
		return m.Frame(notify.Envelope, buildEnvelope).(*frame)
	}
	return frameOf(m)
}

// buildEnvelope encodes what [build] does not give the form of a notification.
func buildEnvelope(m *notify.Message) notify.Frame { return encode(m, defaultEvent, true, false) }
