package nodewire

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
)

// Session is the state of a client that has left, under the key "sio:session:" and the PID. Node
// reads the first four fields.
type Session struct {
	SID   string   // the id of the client
	PID   string   // the secret that names the session
	Rooms []string // as Node names them; one is the SID
	Data  Value    // socket.data; its JSON is nil for none

	// Own is what a Roomcast node adds, nil in a session of Node.
	Own *Own
}

// Own is the part of a session that only Roomcast nodes know.
type Own struct {
	UserID    string
	Namespace string
	Granted   []string // hub rooms that the server added, see notify.Session
	Cursor    notify.ID
	At        time.Time // of the last write, in milliseconds

	// These are those of notify.Session and its Owner.
	Node    string
	Term    uint64
	Void    string
	Foreign bool
}

// maxTerm is the largest number that every reader of JSON and msgpack keeps.
const maxTerm = 1 << 53

// DecodeSession reads the value of a session's key. The error is a *SkipError.
func DecodeSession(text string) (Session, error) {
	var s Session
	if base64.StdEncoding.DecodedLen(len(text)) > MaxPayload {
		return s, skip("session", "is longer than %d bytes", MaxPayload)
	}
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return s, skip("session", "is not base64")
	}
	v, err := fromMsgpack("session", packed)
	if err != nil {
		return s, err
	}
	c, err := checkObject("session", v.JSON)
	if err != nil {
		return s, err
	}
	var data strictjson.Checked
	for m := range c.Members() {
		var err error
		switch m.Name {
		case "sid":
			err = readText(&s.SID, "sid", m.Value)
		case "pid":
			err = readText(&s.PID, "pid", m.Value)
		case "rooms":
			err = readNames(&s.Rooms, "rooms", m.Value)
		case "data":
			data = m.Value
		case "rc":
			s.Own, err = readOwn(m.Value)
		}
		if err != nil {
			return Session{}, err
		}
	}
	if s.SID == "" || s.PID == "" {
		return Session{}, skip("session", "has no sid or no pid")
	}
	var holder Entry
	if data.Kind() != strictjson.None || len(v.Attachments) > 0 {
		if err := holder.readValue("data", data, v.Attachments); err != nil {
			return Session{}, err
		}
	}
	s.Data = holder.Packet
	return s, nil
}

func readOwn(c strictjson.Checked) (*Own, error) {
	if err := expect("rc", c, strictjson.Object, "an object"); err != nil {
		return nil, err
	}
	own := &Own{}
	for m := range c.Members() {
		var err error
		switch m.Name {
		case "u":
			err = readText(&own.UserID, "rc.u", m.Value)
		case "ns":
			err = readText(&own.Namespace, "rc.ns", m.Value)
		case "g":
			err = readNames(&own.Granted, "rc.g", m.Value)
		case "c":
			err = readStreamID(&own.Cursor, "rc.c", m.Value)
		case "at":
			ms, fault := strconv.ParseInt(string(m.Value.Bytes()), 10, 64)
			if fault != nil || ms < minTime || ms > maxTime {
				err = skip("rc.at", "is %s, expected milliseconds", m.Value.Describe())
			}
			own.At = time.UnixMilli(ms).UTC()
		case "o":
			err = readText(&own.Node, "rc.o", m.Value)
		case "n":
			var fault error
			own.Term, fault = strconv.ParseUint(string(m.Value.Bytes()), 10, 64)
			if fault != nil || own.Term > maxTerm {
				err = skip("rc.n", "is %s, expected a number up to 2^53", m.Value.Describe())
			}
		case "v":
			err = readText(&own.Void, "rc.v", m.Value)
		case "f":
			err = readBool(&own.Foreign, "rc.f", m.Value)
		}
		if err != nil {
			return nil, err
		}
	}
	return own, nil
}

// Encode returns the value of the session's key. The error is a *notify.ValidationError.
func (s Session) Encode() (string, error) {
	texts := append([]string{s.SID, s.PID}, s.Rooms...)
	if s.Own != nil {
		texts = append(texts, s.Own.UserID, s.Own.Namespace, s.Own.Node, s.Own.Void)
		texts = append(texts, s.Own.Granted...)
	}
	for _, text := range texts {
		if !utf8.ValidString(text) {
			return "", refuse("session", "has %.40q, which is not valid UTF-8", text)
		}
	}
	if s.SID == "" || s.PID == "" || len(s.Rooms) > maxNames {
		return "", refuse("session", "has no sid, no pid, or more than %d rooms", maxNames)
	}
	data := s.Data
	if data.JSON == nil {
		data.JSON = json.RawMessage("{}") // Node assigns it to socket.data
	}
	// An acknowledgement may be any value, too.
	if err := (&Entry{Type: TypeAck, Packet: data}).checkPacket(); err != nil {
		return "", err
	}
	dst := strictjson.AppendString([]byte(`{"sid":`), s.SID)
	dst = strictjson.AppendString(append(dst, `,"pid":`...), s.PID)
	dst = notify.AppendStrings(append(dst, `,"rooms":`...), s.Rooms)
	dst = append(append(dst, `,"data":`...), data.JSON...)
	if s.Own != nil {
		var err error
		if dst, err = s.Own.append(append(dst, `,"rc":`...)); err != nil {
			return "", err
		}
	}
	packed, err := toMsgpack(nil, append(dst, '}'), data.Attachments)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(packed), nil
}

func (o *Own) append(dst []byte) ([]byte, error) {
	ms := o.At.UnixMilli()
	switch {
	case !isPosition(o.Cursor):
		return nil, refuse("cursor", "is %s, expected the id of an entry", o.Cursor)
	case ms < minTime || ms > maxTime || len(o.Granted) > maxNames || o.Term > maxTerm:
		return nil, refuse("session", "has more than %d rooms, or no valid time or term", maxNames)
	}
	dst = strictjson.AppendString(append(dst, `{"u":`...), o.UserID)
	dst = strictjson.AppendString(append(dst, `,"ns":`...), o.Namespace)
	dst = notify.AppendStrings(append(dst, `,"g":`...), o.Granted)
	if !o.Cursor.IsZero() {
		dst = append(AppendStreamID(append(dst, `,"c":"`...), o.Cursor), '"')
	}
	dst = strconv.AppendInt(append(dst, `,"at":`...), ms, 10)
	if o.Node != "" {
		dst = strictjson.AppendString(append(dst, `,"o":`...), o.Node)
	}
	if o.Term > 0 {
		dst = strconv.AppendUint(append(dst, `,"n":`...), o.Term, 10)
	}
	if o.Void != "" {
		dst = strictjson.AppendString(append(dst, `,"v":`...), o.Void)
	}
	if o.Foreign {
		dst = append(dst, `,"f":true`...)
	}
	return append(dst, '}'), nil
}

// isPosition reports whether an id is that of an entry, or none.
func isPosition(id notify.ID) bool { return id.IsZero() || id.Epoch == notify.StreamEpoch }
