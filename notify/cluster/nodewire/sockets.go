package nodewire

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
)

// Socket is one client in the answer to a request for clients. Handshake and Data are JSON; binary
// values in them stay placeholders.
type Socket struct {
	ID              string
	Handshake, Data json.RawMessage
	Rooms           []string // as Node names them; one is the ID
}

// Sockets returns the clients of an entry of TypeSockets. The error is a *SkipError.
func (e *Entry) Sockets() ([]Socket, error) {
	c, err := strictjson.Check(e.Packet.JSON, wireRules)
	if err != nil {
		return nil, wrong("sockets", err)
	}
	if err := expect("sockets", c, strictjson.Array, "an array"); err != nil {
		return nil, err
	}
	var list []Socket
	for element := range c.Elements() {
		s, err := readSocket(element)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

func readSocket(c strictjson.Checked) (s Socket, err error) {
	for m := range c.Members() {
		var err error
		switch m.Name {
		case "id":
			err = readText(&s.ID, "sockets.id", m.Value)
		case "handshake":
			s.Handshake = json.RawMessage(m.Value.Bytes())
		case "rooms":
			err = readNames(&s.Rooms, "sockets.rooms", m.Value)
		case "data":
			s.Data = json.RawMessage(m.Value.Bytes())
		}
		if err != nil {
			return s, err
		}
	}
	if s.ID == "" {
		return s, skip("sockets.id", "is missing")
	}
	return s, nil
}

// SetSockets makes e the answer TypeSockets with these clients. The error is a
// *notify.ValidationError. Handshake and Data are JSON; nil is an empty object.
func (e *Entry) SetSockets(list []Socket) error {
	text := []byte{'['}
	for i, s := range list {
		if !utf8.ValidString(s.ID) {
			return refuse("sockets", "%.40q is not valid UTF-8", s.ID)
		}
		if err := checkNames(s.Rooms); err != nil {
			return err
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = strictjson.AppendString(append(text, `{"id":`...), s.ID)
		text = appendObject(append(text, `,"handshake":`...), s.Handshake)
		text = notify.AppendStrings(append(text, `,"rooms":`...), s.Rooms)
		text = append(appendObject(append(text, `,"data":`...), s.Data), '}')
	}
	e.Type, e.Packet = TypeSockets, Value{JSON: append(text, ']')}
	return e.checkPacket()
}

func appendObject(dst []byte, value json.RawMessage) []byte {
	if len(value) == 0 {
		return append(dst, `{}`...)
	}
	return append(dst, value...)
}
