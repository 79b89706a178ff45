package nodewire

import (
	"slices"
	"strconv"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
)

// DecodeArray reads a broadcast of the pub/sub adapter or of an emitter, an array in MessagePack,
// from a channel of a namespace. The error is a *SkipError.
func DecodeArray(namespace string, payload []byte) (*Entry, error) {
	v, err := fromMsgpack("message", payload)
	if err != nil {
		return nil, err
	}
	c, err := strictjson.Check(v.JSON, wireRules)
	if err != nil {
		return nil, wrong("message", err)
	}
	if err := expect("message", c, strictjson.Array, "an array"); err != nil {
		return nil, err
	}
	var parts [3]strictjson.Checked
	n := 0
	for part := range c.Elements() {
		if n < len(parts) {
			parts[n] = part
		}
		n++
	}
	e := &Entry{Type: TypeBroadcast, Namespace: namespace}
	if err := readUID(&e.UID, "uid", parts[0]); err != nil {
		return nil, err
	}
	data, err := e.readPacket(parts[1])
	if err != nil {
		return nil, err
	}
	return e.finish(body{packet: data, opts: parts[2]}, v.Attachments)
}

// readPacket returns the data of a packet that names its namespace.
func (e *Entry) readPacket(packet strictjson.Checked) (data strictjson.Checked, err error) {
	in := e.Namespace
	for m := range packet.Members() {
		if m.Name == "nsp" {
			if err := readText(&in, "packet.nsp", m.Value); err != nil {
				return data, err
			}
		}
	}
	if in != e.Namespace {
		return data, skip("packet.nsp", "is %.80q in a channel of %.80q", in, e.Namespace)
	}
	return packetData(packet)
}

// finish is take for an entry of a channel.
func (e *Entry) finish(b body, attachments [][]byte) (*Entry, error) {
	if err := checkNamespace(e.Namespace); err != nil {
		return nil, skip("nsp", "%v", err)
	}
	if err := e.take(b, attachments); err != nil {
		return nil, err
	}
	return e, nil
}

// AppendArray is the inverse of DecodeArray. The error is a *notify.ValidationError.
func (e *Entry) AppendArray(dst []byte) ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	if e.Type != TypeBroadcast || e.RequestID != "" {
		return nil, refuse("type", "is %d, expected a broadcast without acknowledgements", e.Type)
	}
	text := append(strictjson.AppendString([]byte{'['}, e.UID), ',')
	text = e.Opts.append(append(e.appendPacket(text), ','))
	return toMsgpack(dst, append(text, ']'), e.Packet.Attachments)
}

func (e *Entry) appendPacket(dst []byte) []byte {
	dst = append(append(dst, `{"type":2,"data":`...), e.Packet.JSON...)
	return append(strictjson.AppendString(append(dst, `,"nsp":`...), e.Namespace), '}')
}

// requestTypes has the types of requests by their numbers in the pub/sub adapter.
var requestTypes = map[string]Type{
	"1": TypeRooms, "2": TypeJoin, "3": TypeLeave, "4": TypeDisconnect, "5": TypeFetchSockets, "6": TypeServerEmit,
	"7": TypeBroadcast,
}

// numberOf returns the number of a type, empty if it has none.
func numberOf(t Type) string {
	for number, of := range requestTypes {
		if of == t {
			return number
		}
	}
	return ""
}

// DecodeRequest reads a request of the pub/sub adapter or of an emitter, from a channel of a
// namespace: JSON, or MessagePack for a broadcast that clients acknowledge. The error is a
// *SkipError.
func DecodeRequest(namespace string, payload []byte) (*Entry, error) {
	c, attachments, err := decodeObject("request", payload)
	if err != nil {
		return nil, err
	}
	e := &Entry{Namespace: namespace}
	var b body
	var number string
	for m := range c.Members() {
		var err error
		switch m.Name {
		case "uid":
			err = readUID(&e.UID, "uid", m.Value)
		case "requestId":
			err = readUID(&e.RequestID, "requestId", m.Value)
		case "type":
			number = string(m.Value.Bytes())
		case "opts":
			b.opts = m.Value
		case "rooms":
			b.rooms = m.Value
		case "close":
			b.close = m.Value
		case "data":
			b.packet = m.Value
		case "packet":
			b.packet, err = e.readPacket(m.Value)
		}
		if err != nil {
			return nil, err
		}
	}
	if number == "0" {
		return nil, ErrIgnored
	}
	if e.Type = requestTypes[number]; e.Type == 0 {
		return nil, skip("type", "is %.20q, expected a number from 0 to 7", number)
	}
	if (e.Type == TypeBroadcast || e.Type == TypeRooms) && e.RequestID == "" {
		return nil, skip("requestId", "is missing")
	}
	return e.finish(b, attachments)
}

// AppendRequest is the inverse of DecodeRequest. The error is a *notify.ValidationError.
func (e *Entry) AppendRequest(dst []byte) ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	text := []byte{'{'}
	if e.UID != "" {
		text = append(strictjson.AppendString(append(text, `"uid":`...), e.UID), ',')
	}
	if e.RequestID != "" {
		text = append(strictjson.AppendString(append(text, `"requestId":`...), e.RequestID), ',')
	}
	text = append(append(text, `"type":`...), numberOf(e.Type)...)
	switch e.Type {
	case TypeJoin, TypeLeave:
		text = append(e.Opts.appendNames(append(text, `,"opts":`...)), `},"rooms":`...)
		text = notify.AppendStrings(text, e.Rooms)
	case TypeDisconnect:
		text = append(e.Opts.appendNames(append(text, `,"opts":`...)), `},"close":`...)
		text = strconv.AppendBool(text, e.Close)
	case TypeFetchSockets:
		text = append(e.Opts.appendNames(append(text, `,"opts":`...)), '}')
	case TypeServerEmit:
		text = append(append(text, `,"data":`...), e.Packet.JSON...)
	case TypeBroadcast:
		if e.RequestID == "" {
			return nil, refuse("requestId", "is missing")
		}
		text = e.appendPacket(append(text, `,"packet":`...))
		text = append(e.Opts.append(append(text, `,"opts":`...)), '}')
		return toMsgpack(dst, text, e.Packet.Attachments)
	default:
		return nil, refuse("type", "is %d, expected a request", e.Type)
	}
	return e.asJSON(dst, append(text, '}'))
}

// asJSON appends a message of the pub/sub adapter in JSON, with its binary values.
func (e *Entry) asJSON(dst, text []byte) ([]byte, error) {
	size := len(text)
	for i, a := range e.Packet.Attachments {
		size += bufferSize(a) - len(appendPlaceholder(nil, i))
	}
	if size > MaxPayload {
		return nil, tooLarge(size)
	}
	return fill(slices.Grow(dst, size), text, e.Packet.Attachments, appendBuffer), nil
}
