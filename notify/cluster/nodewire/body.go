package nodewire

import (
	"bytes"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
)

// body has the members of the data of an entry before their types are known to fit.
type body struct {
	opts, packet, rooms, close, sockets, count strictjson.Checked
}

// readBody reads the data of an entry whose Type is known.
func (e *Entry) readBody(data strictjson.Checked, attachments [][]byte) error {
	var b body
	for m := range data.Members() {
		switch m.Name {
		case "packet":
			b.packet = m.Value
		case "opts":
			b.opts = m.Value
		case "requestId":
			if err := readUID(&e.RequestID, m.Name, m.Value); err != nil {
				return err
			}
		case "rooms":
			b.rooms = m.Value
		case "close":
			b.close = m.Value
		case "sockets":
			b.sockets = m.Value
		case "clientCount":
			b.count = m.Value
		}
	}
	if e.Type == TypeBroadcast {
		packet, err := packetData(b.packet)
		if err != nil {
			return err
		}
		b.packet = packet
	}
	return e.take(b, attachments)
}

// take sets what an entry of the type has.
func (e *Entry) take(b body, attachments [][]byte) error {
	if e.Type >= TypeBroadcast && e.Type <= TypeFetchSockets {
		if err := readOpts(&e.Opts, b.opts); err != nil {
			return err
		}
	}
	if e.needsRequest() && e.RequestID == "" {
		return skip("requestId", "is missing")
	}
	switch e.Type {
	case TypeBroadcast, TypeServerEmit:
		if err := e.readEvent(b.packet); err != nil {
			return err
		}
		return e.readValue("packet", b.packet, attachments)
	case TypeServerReply, TypeAck:
		return e.readValue("packet", b.packet, attachments)
	case TypeSockets:
		if err := expect("sockets", b.sockets, strictjson.Array, "an array"); err != nil {
			return err
		}
		return e.readValue("sockets", b.sockets, attachments)
	case TypeJoin, TypeLeave:
		return readNames(&e.Rooms, "rooms", b.rooms)
	case TypeDisconnect:
		if b.close.Kind() == strictjson.None { // undefined in JavaScript
			return nil
		}
		return readBool(&e.Close, "close", b.close)
	case TypeClientCount:
		return readInt(&e.Count, "clientCount", b.count)
	}
	return nil
}

// needsRequest reports whether an entry of the type is useless without a RequestID.
func (e *Entry) needsRequest() bool {
	switch e.Type {
	case TypeFetchSockets, TypeSockets, TypeServerReply, TypeClientCount, TypeAck:
		return true
	}
	return false
}

// packetData returns the data of the packet of a broadcast, which is of type 2, an event.
func packetData(packet strictjson.Checked) (data strictjson.Checked, err error) {
	if err := expect("packet", packet, strictjson.Object, "an object"); err != nil {
		return data, err
	}
	isEvent := false
	for m := range packet.Members() {
		switch m.Name {
		case "type":
			isEvent = string(m.Value.Bytes()) == "2"
		case "data":
			data = m.Value
		}
	}
	if !isEvent {
		return data, skip("packet.type", "is not 2, an event")
	}
	return data, nil
}

// readEvent reads the name of an event, the first element of its packet, and finds its argument.
func (e *Entry) readEvent(packet strictjson.Checked) error {
	if err := expect("packet.data", packet, strictjson.Array, "an array"); err != nil {
		return err
	}
	n := 0
	for element := range packet.Elements() {
		if n++; n > 1 {
			e.first = element
			break
		}
		if err := readText(&e.event, "packet.data[0]", element); err != nil {
			return err
		}
	}
	if err := checkEvent(e.Type, e.event); err != nil {
		return skip("packet.data[0]", "%v", err)
	}
	return nil
}

// readValue copies a value out of the payload, so that it does not keep the rest in memory. A
// missing value is null, as JSON.stringify leaves out what is undefined.
func (e *Entry) readValue(field string, c strictjson.Checked, attachments [][]byte) error {
	text := c.Bytes()
	if text == nil {
		text = []byte("null")
	}
	if len(attachments) > 0 {
		if !numbered(text, len(attachments)) {
			return skip(field, `has a member "_placeholder", which Socket.IO reserves, `+
				"or binary values are outside of it")
		}
		e.Packet.Attachments = make([][]byte, len(attachments))
		for i, a := range attachments {
			e.Packet.Attachments[i] = append(make([]byte, 0, len(a)), a...)
		}
	}
	e.Packet.JSON = bytes.Clone(strictjson.OneLine(text))
	return nil
}

// arguments returns the text of an event's array after the name, with the bracket at its end.
func arguments(packet []byte) []byte {
	start := 1
	for packet[start] != '"' {
		start++
	}
	rest := bytes.TrimLeft(packet[strictjson.StringEnd(packet, start):], " \t\r\n")
	if rest[0] == ',' {
		rest = rest[1:]
	}
	return rest
}

// checkEvent checks the name of an event. Node emits an event for servers on an object that throws
// for "error", and for which the others mean that a client has come.
func checkEvent(of Type, name string) error {
	if of == TypeServerEmit {
		switch name {
		case "", "connect", "connection", "new_namespace", "error":
			return refuse("event", "%q is reserved by Socket.IO", name)
		}
		return nil
	}
	return notify.CheckEvent(name)
}
