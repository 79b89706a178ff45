package nodewire

import (
	"strconv"

	"github.com/roomcast/roomcast/notify/strictjson"
)

// DecodeMap reads what the streams adapter publishes, a map in MessagePack: requests, responses and
// volatile broadcasts. The sharded adapter publishes the same as JSON where there is no binary
// value. The error is ErrIgnored or a *SkipError.
//
// Other packages publish arrays to the same channels, see DecodeArray; IsArray tells them apart.
func DecodeMap(payload []byte) (*Entry, error) {
	c, attachments, err := decodeObject("message", payload)
	if err != nil {
		return nil, err
	}
	e := &Entry{}
	var number, rc string
	var data strictjson.Checked
	for m := range c.Members() {
		var err error
		switch m.Name {
		case "type":
			number = string(m.Value.Bytes())
		case "data":
			data = m.Value
		case "uid":
			err = readText(&e.UID, "uid", m.Value)
		case "nsp":
			err = readText(&e.Namespace, "nsp", m.Value)
		case "rc":
			err = readText(&rc, "rc", m.Value)
		case "via":
			err = readText(&e.Via, "via", m.Value)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := e.readHead(number); err != nil {
		return nil, err
	}
	if !e.hasBody() {
		return e, nil
	}
	if err := expect("data", data, strictjson.Object, "an object"); err != nil {
		return nil, err
	}
	if err := e.readBody(data, attachments); err != nil {
		return nil, err
	}
	e.readMark(rc)
	return e, nil
}

// IsArray reports whether a published message is an array, which DecodeArray reads, and not a map.
func IsArray(payload []byte) bool {
	return len(payload) > 0 && (payload[0]&0xf0 == 0x90 || payload[0] == 0xdc || payload[0] == 0xdd)
}

// decodeObject reads an object in JSON or a map in MessagePack, which never begins with a brace.
func decodeObject(field string, payload []byte) (
	c strictjson.Checked, attachments [][]byte, err error,
) {
	if len(payload) == 0 || payload[0] != '{' {
		v, err := fromMsgpack(field, payload)
		if err != nil {
			return c, nil, err
		}
		payload, attachments = v.JSON, v.Attachments
	}
	c, err = checkObject(field, payload)
	return c, attachments, err
}

// AppendMap is the inverse of DecodeMap: it appends MessagePack. The error is a
// *notify.ValidationError.
//
// A published broadcast has no id. Node's clients get null in its place if the broadcast is neither
// volatile nor acknowledged, so publish no others to servers with recovery.
func (e *Entry) AppendMap(dst []byte) ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	text := append([]byte(`{"type":`), strconv.Itoa(int(e.Type))...)
	if e.hasBody() {
		text = e.appendBody(append(text, `,"data":`...))
	}
	text = strictjson.AppendString(append(text, `,"uid":`...), e.UID)
	text = strictjson.AppendString(append(text, `,"nsp":`...), e.Namespace)
	if rc := e.mark.append(nil); len(rc) > 0 {
		text = strictjson.AppendString(append(text, `,"rc":`...), string(rc))
	}
	if e.Via != "" {
		text = strictjson.AppendString(append(text, `,"via":`...), e.Via)
	}
	return toMsgpack(dst, append(text, '}'), e.Packet.Attachments)
}
