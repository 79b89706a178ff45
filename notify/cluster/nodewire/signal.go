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
		case "room":
			err = readText(&e.Signal.Deleted.Room, "rc.room", m.Value)
		case "type":
			err = readText(&e.Signal.Deleted.Type, "rc.type", m.Value)
		case "id":
			err = readStreamID(&e.Signal.Deleted.ID, "rc.id", m.Value)
		}
		if err != nil && version == markVersion {
			return nil, err
		}
	}
	if version != markVersion || !isSignal(e.Signal.Kind) {
		return nil, ErrIgnored
	}
	switch {
	case e.Signal.Kind != SignalDelete:
		e.Signal.Deleted = notify.RetainedID{}
	case e.Signal.Deleted.ID.IsZero():
		return nil, skip("rc.id", "is missing, expected the id of an entry")
	}
	return e, nil
}

func isSignal(kind string) bool {
	switch kind {
	case SignalUp, SignalFork, SignalBump, SignalDelete:
		return true
	}
	return false
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
	if !isSignal(e.Signal.Kind) {
		return Fields{}, refuse("kind", "is %.20q, expected up, fork, bump or delete", e.Signal.Kind)
	}
	var deleted notify.RetainedID
	if e.Signal.Kind == SignalDelete {
		deleted = e.Signal.Deleted
	}
	if e.Signal.Kind == SignalDelete && (deleted.ID.IsZero() || !utf8.ValidString(deleted.Room) ||
		!utf8.ValidString(deleted.Type)) {
		return Fields{}, refuse("id", "is missing, or room or type is not valid UTF-8")
	}
	if len(e.UID) > maxUID || !utf8.ValidString(e.UID) {
		return Fields{}, refuse("uid", "is longer than %d bytes or not valid UTF-8", maxUID)
	}
	rc := append([]byte(`{"v":`+markVersion+`,"k":"`), e.Signal.Kind...)
	rc = strictjson.AppendString(append(rc, `","u":`...), e.UID)
	if e.Signal.Kind == SignalDelete {
		rc = strictjson.AppendString(append(rc, `,"room":`...), deleted.Room)
		rc = strictjson.AppendString(append(rc, `,"type":`...), deleted.Type)
	}
	for _, end := range []struct {
		name string
		id   notify.ID
	}{{"from", e.Signal.From}, {"to", e.Signal.To}, {"id", deleted.ID}} {
		if end.id.IsZero() {
			continue
		}
		if end.id.Epoch != notify.StreamEpoch {
			return Fields{}, refuse(end.name, "is %s, expected the id of an entry", end.id)
		}
		rc = append(append(append(rc, `,"`...), end.name...), `":"`...)
		rc = append(AppendStreamID(rc, end.id), '"')
	}
	return Fields{RC: string(append(rc, '}'))}, nil
}
