package pywire

import (
	"slices"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// Decode reads a message. The entry has no UID. The error is a *nodewire.SkipError for a message
// that is damaged, and nodewire.ErrIgnored for one that is for servers only.
//
// The result is a broadcast for emit, which no client acknowledges; for disconnect, enter_room,
// leave_room and close_room it is what disconnectSockets, socketsJoin and socketsLeave of a server on
// Node do. Entry.Fields checks the names in it.
func Decode(payload []byte) (*nodewire.Entry, error) {
	if len(payload) > nodewire.MaxPayload {
		return nil, skip("message", "is longer than %d bytes", nodewire.MaxPayload)
	}
	if len(payload) == 0 {
		return nil, skip("message", "is empty, expected JSON or a pickle")
	}
	decode := fromJSON
	if payload[0] == opProto {
		decode = unpickle
	}
	v, err := decode(payload)
	if err != nil {
		return nil, err
	}
	if v.kind != kindDict {
		return nil, skip("message", "is %s, expected a dict", v.describe())
	}
	return entry(v, payload[0] == opProto)
}

// entry returns what a message says.
func entry(m *value, isPickle bool) (*nodewire.Entry, error) {
	method := m.get("method")
	if !method.isText() {
		return nil, skip("method", "is %s, expected a string", method.describe())
	}
	e := &nodewire.Entry{Namespace: "/"}
	if v := m.get("namespace"); v.isText() {
		e.Namespace = string(v.raw)
	} else if !v.isNone() {
		return nil, skip("namespace", "is %s, expected a string", v.describe())
	}
	var err error
	switch string(method.raw) {
	case "emit":
		e.Type = nodewire.TypeBroadcast
		err = emit(e, m, isPickle)
	case "disconnect":
		e.Type = nodewire.TypeDisconnect
		e.Opts.Rooms, err = name(m, "sid")
	case "enter_room", "leave_room":
		e.Type = nodewire.TypeJoin
		if string(method.raw) == "leave_room" {
			e.Type = nodewire.TypeLeave
		}
		if e.Opts.Rooms, err = name(m, "sid"); err == nil {
			e.Rooms, err = name(m, "room")
		}
	case "close_room":
		e.Type = nodewire.TypeLeave
		e.Rooms, err = name(m, "room")
		e.Opts.Rooms = e.Rooms
	case "callback": // an acknowledgement for the server that asked for it
		return nil, nodewire.ErrIgnored
	default:
		return nil, skip("method", "is unknown, expected emit, disconnect, enter_room, leave_room or "+
			"close_room")
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

// emit sets what an emit says.
func emit(e *nodewire.Entry, m *value, isPickle bool) (err error) {
	event := m.get("event")
	if !event.isText() {
		return skip("event", "is %s, expected a string", event.describe())
	}
	if room := m.get("room"); !room.isNone() {
		if e.Opts.Rooms, err = names("room", room); err != nil {
			return err
		}
		if len(e.Opts.Rooms) == 0 { // which is everyone for Node
			return skip("room", "is an empty list, expected None or at least one room")
		}
	}
	if e.Opts.Except, err = except(m.get("skip_sid")); err != nil {
		return err
	}
	args, err := arguments(m, isPickle)
	if err != nil {
		return err
	}
	e.Packet, err = packet(string(event.raw), args)
	return err
}

// arguments returns the arguments of an event. A tuple is several, and None is no argument.
//
// JSON has no tuples. Since 5.14.2 a message says whether its data has binary values, and since 5.15.1
// data is the list of the arguments. A list that 5.14.2 to 5.15.0 emit as one argument cannot be told
// from that, and is taken as servers with a later version take it.
func arguments(m *value, isPickle bool) ([]*value, error) {
	data, flag := m.get("data"), m.get("binary")
	if data == nil {
		return nil, skip("data", "is missing")
	}
	isList := !isPickle && flag != nil && data.kind == kindList
	if isList && string(flag.raw) == "true" {
		if len(data.items) == 0 {
			return nil, skip("data", "is empty, expected the data and its binary values")
		}
		all, err := attachments(data.items[1:])
		if err != nil {
			return nil, err
		}
		restored, left, err := restore(data.items[0], all, 0)
		if err != nil {
			return nil, err
		}
		if len(left) > 0 {
			return nil, skip("data", "has binary values without a place in it")
		}
		data, isList = restored, restored.kind == kindList
	}
	switch {
	case data.kind == kindTuple:
		return data.items, nil
	case isList && (len(data.items) != 1 || !data.items[0].isNone()):
		return data.items, nil
	case isList, data.isNone():
		return nil, nil
	}
	return []*value{data}, nil
}

// name returns the one name that a message must have.
func name(m *value, field string) ([]string, error) {
	v := m.get(field)
	if v.isNone() || v.kind == kindList || v.kind == kindTuple {
		return nil, skip(field, "is %s, expected a string", v.describe())
	}
	if len(v.raw) == 0 {
		return nil, skip(field, "is empty")
	}
	return names(field, v)
}

// names returns the names of a string or a list. An integer is a name, as for Node.
func names(field string, v *value) ([]string, error) {
	all := []*value{v}
	if v.kind == kindList || v.kind == kindTuple {
		all = v.items
	}
	list := make([]string, len(all))
	for i, item := range all {
		if item.kind != kindInt && !item.isText() {
			return nil, skip(field, "has %s, expected a string", item.describe())
		}
		list[i] = string(item.raw)
	}
	return list, nil
}

// except returns the clients that do not get an event. None is no client.
func except(v *value) ([]string, error) {
	if v.isNone() {
		return nil, nil
	}
	if v.kind == kindList || v.kind == kindTuple {
		v = &value{kind: kindList, items: slices.DeleteFunc(slices.Clone(v.items), (*value).isNone)}
	}
	return names("skip_sid", v)
}
