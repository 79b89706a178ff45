package nodewire

import (
	"strconv"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
)

// DecodeResponse reads a response of the pub/sub adapter, from a channel of a namespace: JSON, or
// MessagePack for an acknowledgement. It names no server. The error is a *SkipError.
func DecodeResponse(namespace string, payload []byte) (*Entry, error) {
	c, attachments, err := decodeObject("response", payload)
	if err != nil {
		return nil, err
	}
	e := &Entry{Namespace: namespace}
	var b body
	var data strictjson.Checked
	number := ""
	for m := range c.Members() {
		switch m.Name {
		case "type":
			number = string(m.Value.Bytes())
		case "requestId":
			if err := readUID(&e.RequestID, "requestId", m.Value); err != nil {
				return nil, err
			}
		case "sockets":
			b.sockets = m.Value
		case "clientCount":
			b.count = m.Value
		case "data":
			data = m.Value
		case "packet":
			b.packet = m.Value
		}
	}
	switch number {
	case "", "5": // the adapter leaves it out
		e.Type = TypeSockets
	case "6":
		e.Type, b.packet = TypeServerReply, data
	case "8":
		e.Type = TypeClientCount
	case "9":
		e.Type = TypeAck
	default:
		return nil, skip("type", "is %.20q, expected none, 6, 8 or 9", number)
	}
	return e.finish(b, attachments)
}

// AppendResponse is the inverse of DecodeResponse. The error is a *notify.ValidationError.
func (e *Entry) AppendResponse(dst []byte) ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	text := []byte{'{'}
	id := func() { text = strictjson.AppendString(append(text, `"requestId":`...), e.RequestID) }
	switch e.Type {
	case TypeSockets:
		id()
		text = append(append(text, `,"sockets":`...), e.Packet.JSON...)
	case TypeServerReply:
		text = append(text, `"type":6,`...)
		id()
		text = append(append(text, `,"data":`...), e.Packet.JSON...)
	case TypeClientCount:
		text = append(text, `"type":8,`...)
		id()
		text = strconv.AppendInt(append(text, `,"clientCount":`...), int64(e.Count), 10)
	case TypeAck:
		text = append(text, `"type":9,`...)
		id()
		text = append(append(text, `,"packet":`...), e.Packet.JSON...)
		return toMsgpack(dst, append(text, '}'), e.Packet.Attachments)
	default:
		return nil, refuse("type", "is %d, expected a response", e.Type)
	}
	return e.asJSON(dst, append(text, '}'))
}

// AppendRooms appends a response to a request of TypeRooms: JSON with the names of rooms, which are valid
// UTF-8.
func AppendRooms(dst []byte, requestID string, names []string) []byte {
	dst = strictjson.AppendString(append(dst, `{"requestId":`...), requestID)
	return append(notify.AppendStrings(append(dst, `,"rooms":`...), names), '}')
}
