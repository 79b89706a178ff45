package nodewire

import (
	"encoding/base64"
	"slices"
	"strconv"
)

// Fields are the fields of an entry of the stream. A missing field is empty.
type Fields struct{ UID, Namespace, Type, Data, RC, Via string }

// Set sets the field of a name. It ignores the fields of other applications.
func (f *Fields) Set(name, value string) {
	switch name {
	case "uid":
		f.UID = value
	case "nsp":
		f.Namespace = value
	case "type":
		f.Type = value
	case "data":
		f.Data = value
	case "rc":
		f.RC = value
	case "via":
		f.Via = value
	}
}

// Pairs returns names and values for XADD, in the order in which Node writes them. Empty fields are
// left out.
func (f Fields) Pairs() []string {
	pairs := make([]string, 0, 12)
	for _, p := range [...][2]string{{"uid", f.UID}, {"nsp", f.Namespace}, {"type", f.Type},
		{"data", f.Data}, {"rc", f.RC}, {"via", f.Via}} {
		if p[1] != "" {
			pairs = append(pairs, p[0], p[1])
		}
	}
	return pairs
}

// Decode reads an entry of the stream. The error is ErrIgnored, or a *SkipError.
//
// Adapter 0.2 writes requests and responses to the stream too.
func Decode(f Fields) (*Entry, error) {
	if f.Namespace == "" {
		return decodeSignal(f)
	}
	e := &Entry{UID: f.UID, Namespace: f.Namespace, Via: f.Via}
	if err := e.readHead(f.Type); err != nil {
		return nil, err
	}
	if !e.hasBody() {
		return e, nil
	}
	v := Value{JSON: []byte(f.Data)}
	switch {
	case f.Data == "":
		return nil, skip("data", "is missing")
	case len(f.Data) > MaxPayload:
		return nil, skip("data", "is longer than %d bytes", MaxPayload)
	case f.Data[0] != '{':
		packed, err := base64.StdEncoding.AppendDecode(nil, v.JSON)
		if err != nil {
			return nil, skip("data", "is neither an object nor base64")
		}
		if v, err = fromMsgpack("data", packed); err != nil {
			return nil, err
		}
	}
	data, err := checkObject("data", v.JSON)
	if err != nil {
		return nil, err
	}
	if err := e.readBody(data, v.Attachments); err != nil {
		return nil, err
	}
	e.readMark(f.RC)
	return e, nil
}

// readHead reads the type, and checks what every entry has.
func (e *Entry) readHead(number string) error {
	if err := checkNamespace(e.Namespace); err != nil {
		return skip("nsp", "%v", err)
	}
	if len(e.UID) > maxUID {
		return skip("uid", "is %d bytes long, expected at most %d", len(e.UID), maxUID)
	}
	n, err := strconv.ParseUint(number, 10, 8)
	if err != nil || n < uint64(TypeHello) || n > uint64(TypeClose) {
		return skip("type", "is %.20q, expected a number from 1 to %d", number, TypeClose)
	}
	e.Type = Type(n)
	return nil
}

// hasBody reports whether an entry of the type has data.
func (e *Entry) hasBody() bool { return e.Type >= TypeBroadcast && e.Type <= TypeAck }

// Fields returns the fields of an entry for the stream. The error is a *notify.ValidationError for
// an entry that must not be written.
//
// A broadcast with a RequestID belongs into the stream of adapter 0.2 only: a server that restores
// a session replays it.
func (e *Entry) Fields() (Fields, error) {
	f, _, err := e.fields(nil)
	return f, err
}

// fields is Fields. It writes the data in memory first, and returns that.
func (e *Entry) fields(memory []byte) (f Fields, text []byte, err error) {
	if e.Type == TypeSignal {
		f, err = e.signalFields()
		return f, memory, err
	}
	if err := e.check(); err != nil {
		return Fields{}, memory, err
	}
	if e.UID == "" {
		return Fields{}, memory, refuse("uid", "is missing")
	}
	f = Fields{UID: e.UID, Namespace: e.Namespace, Type: strconv.Itoa(int(e.Type)), Via: e.Via}
	text = e.appendBody(slices.Grow(memory, len(e.Packet.JSON)+128))
	if len(e.Packet.Attachments) > 0 && e.hasBody() {
		packed, err := toMsgpack(nil, text, e.Packet.Attachments)
		if err != nil {
			return Fields{}, text, err
		}
		text = base64.StdEncoding.AppendEncode(text[:0], packed)
	}
	if len(text) > MaxPayload {
		return Fields{}, text, tooLarge(len(text))
	}
	f.Data = string(text)
	f.RC = string(e.mark.append(make([]byte, 0, usualMark)))
	return f, text, nil
}
