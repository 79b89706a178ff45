package nodewire

import (
	"unicode/utf8"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
)

// decodeSignal reads an entry without a namespace.
func decodeSignal(f Fields) (*Entry, error) {
	if f.RC == "" {
		return nil, ErrIgnored
	}
	c, err := checkObject("rc", []byte(f.RC))
	if err != nil {
		return nil, err
	}
	e := &Entry{}
	version := ""
	for m := range c.Members() {
		var err error
		switch m.Name {
		case "v":
			version = string(m.Value.Bytes())
		case "k":
			err = readText(&e.Signal.Kind, "rc.k", m.Value)
		case "u":
			err = readUID(&e.UID, "rc.u", m.Value)
		case "from":
			err = readStreamID(&e.Signal.From, "rc.from", m.Value)
		case "to":
			err = readStreamID(&e.Signal.To, "rc.to", m.Value)
		}
		if err != nil && version == markVersion {
			return nil, err
		}
	}
	switch e.Signal.Kind {
	case SignalUp, SignalFork, SignalBump:
		if version == markVersion {
			return e, nil
		}
	}
	return nil, ErrIgnored
}

func readStreamID(to *notify.ID, field string, c strictjson.Checked) error {
	text, err := c.Text()
	if err == nil {
		*to, err = StreamID(text)
	}
	if err != nil {
		return skip(field, "is %s, expected the id of an entry", c.Describe())
	}
	return nil
}

// signalFields returns the fields of a signal: rc alone, because Node reads entries with a
// namespace.
func (e *Entry) signalFields() (Fields, error) {
	switch e.Signal.Kind {
	case SignalUp, SignalFork, SignalBump:
	default:
		return Fields{}, refuse("kind", "is %.20q, expected up, fork or bump", e.Signal.Kind)
	}
	if len(e.UID) > maxUID || !utf8.ValidString(e.UID) {
		return Fields{}, refuse("uid", "is longer than %d bytes or not valid UTF-8", maxUID)
	}
	rc := append([]byte(`{"v":`+markVersion+`,"k":"`), e.Signal.Kind...)
	rc = strictjson.AppendString(append(rc, `","u":`...), e.UID)
	for _, end := range []struct {
		name string
		id   notify.ID
	}{{"from", e.Signal.From}, {"to", e.Signal.To}} {
		if end.id.IsZero() {
			continue
		}
		if end.id.Epoch != StreamEpoch {
			return Fields{}, refuse(end.name, "is %s, expected the id of an entry", end.id)
		}
		rc = append(append(append(rc, `,"`...), end.name...), `":"`...)
		rc = append(AppendStreamID(rc, end.id), '"')
	}
	return Fields{RC: string(append(rc, '}'))}, nil
}
