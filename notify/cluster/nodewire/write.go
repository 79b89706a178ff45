package nodewire

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/server/msgpack"
)

// check checks everything that Node relies on when it reads an entry. The error is a
// *notify.ValidationError.
func (e *Entry) check() error {
	if err := checkNamespace(e.Namespace); err != nil {
		return refuse("namespace", "%v", err)
	}
	for _, text := range []string{e.UID, e.RequestID} {
		if len(text) > maxUID || !utf8.ValidString(text) {
			return refuse("uid", "%.80q is longer than %d bytes or not valid UTF-8", text, maxUID)
		}
	}
	if e.RequestID == "" && e.needsRequest() {
		return refuse("requestId", "is missing")
	}
	for _, names := range [][]string{e.Opts.Rooms, e.Opts.Except, e.Rooms} {
		if err := checkNames(names); err != nil {
			return err
		}
	}
	switch e.Type {
	case TypeBroadcast, TypeServerEmit, TypeSockets, TypeServerReply, TypeAck:
		return e.checkPacket()
	case TypeClientCount:
		if e.Count < 0 {
			return refuse("count", "is %d, expected 0 or more", e.Count)
		}
	}
	if e.Type == TypeSignal || e.Type > TypeClose {
		return refuse("type", "is %d, expected 1 to %d", e.Type, TypeClose)
	}
	return nil
}

func checkNames(names []string) error {
	if len(names) > maxNames {
		return refuse("rooms", "has %d names, expected at most %d", len(names), maxNames)
	}
	for _, name := range names {
		if !utf8.ValidString(name) {
			return refuse("rooms", "%.80q is not valid UTF-8", name)
		}
	}
	return nil
}

func (e *Entry) checkPacket() error {
	text := e.Packet.JSON
	if len(text) > MaxPayload {
		return tooLarge(len(text))
	}
	packet, err := strictjson.Check(text, strictjson.Rules{Depth: packetDepth, DuplicateKeys: true})
	if err != nil {
		return refuse("packet", "%v", err)
	}
	if n := len(e.Packet.Attachments); n > 0 && (n > notify.MaxBinary || !numbered(text, n)) {
		return refuse("packet", "has not the %d binary values in their order, or more than %d", n,
			notify.MaxBinary)
	}
	switch e.Type {
	case TypeServerReply, TypeAck:
		return nil
	}
	if packet.Kind() != strictjson.Array {
		return refuse("packet", "is %s, expected an array", packet.Describe())
	}
	if e.Type == TypeSockets {
		return nil
	}
	for first := range packet.Elements() {
		name, err := first.Text()
		if err != nil {
			return refuse("event", "is %s, expected a string", first.Describe())
		}
		return checkEvent(e.Type, name)
	}
	return refuse("packet", "is empty, expected an event")
}

// appendBody appends the data of an entry, with the members in Node's order. Entries without data
// append nothing.
func (e *Entry) appendBody(dst []byte) []byte {
	request := func(dst []byte) []byte {
		if e.RequestID == "" {
			return dst
		}
		return append(strictjson.AppendString(append(dst, `"requestId":`...), e.RequestID), ',')
	}
	switch e.Type {
	case TypeBroadcast:
		dst = append(dst, `{"packet":{"type":2,"data":`...)
		dst = request(append(append(dst, e.Packet.JSON...), `},`...))
		return append(e.Opts.append(append(dst, `"opts":`...)), '}')
	case TypeJoin, TypeLeave:
		dst = e.Opts.append(append(request(append(dst, '{')), `"opts":`...))
		return append(notify.AppendStrings(append(dst, `,"rooms":`...), e.Rooms), '}')
	case TypeDisconnect:
		dst = e.Opts.append(append(request(append(dst, '{')), `"opts":`...))
		return append(strconv.AppendBool(append(dst, `,"close":`...), e.Close), '}')
	case TypeFetchSockets:
		dst = e.Opts.append(append(dst, `{"opts":`...))
		return append(strictjson.AppendString(append(dst, `,"requestId":`...), e.RequestID), '}')
	case TypeSockets:
		dst = append(request(append(dst, '{')), `"sockets":`...)
		return append(append(dst, e.Packet.JSON...), '}')
	case TypeServerEmit, TypeServerReply, TypeAck:
		dst = append(request(append(dst, '{')), `"packet":`...)
		return append(append(dst, e.Packet.JSON...), '}')
	case TypeClientCount:
		dst = append(request(append(dst, '{')), `"clientCount":`...)
		return append(strconv.AppendInt(dst, int64(e.Count), 10), '}')
	}
	return dst
}

func (o Opts) append(dst []byte) []byte {
	dst = o.appendNames(dst)
	dst = append(dst, `,"flags":{`...)
	begin := len(dst)
	flag := func(name string) {
		if len(dst) > begin {
			dst = append(dst, ',')
		}
		dst = append(dst, name...)
	}
	if o.Volatile {
		flag(`"volatile":true`)
	}
	if o.Uncompressed {
		flag(`"compress":false`)
	}
	if ms := o.Timeout.Round(time.Millisecond).Milliseconds(); ms > 0 {
		flag(`"timeout":`)
		dst = strconv.AppendInt(dst, ms, 10)
	}
	return append(dst, `}}`...)
}

// appendNames appends the opening brace, the rooms and except.
func (o Opts) appendNames(dst []byte) []byte {
	dst = notify.AppendStrings(append(dst, `{"rooms":`...), o.Rooms)
	return notify.AppendStrings(append(dst, `,"except":`...), o.Except)
}

// toMsgpack appends JSON with binary values as MessagePack.
func toMsgpack(dst, text []byte, attachments [][]byte) ([]byte, error) {
	dst = msgpack.AppendJSON(dst, text, attachments)
	if len(dst) > MaxPayload {
		return nil, tooLarge(len(dst))
	}
	return dst, nil
}

func tooLarge(n int) error {
	return refuse("packet", "takes %d bytes, expected at most %d", n, MaxPayload)
}
