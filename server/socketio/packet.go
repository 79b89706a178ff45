package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/server/edge"
)

// Packet kinds of the Socket.IO protocol v5, as on the wire.
const (
	kindConnect      = '0'
	kindDisconnect   = '1'
	kindEvent        = '2'
	kindAck          = '3'
	kindConnectError = '4'
	kindBinaryEvent  = '5'
	kindBinaryAck    = '6'
)

const (
	maxDepth     = 32
	maxNamespace = 128
	maxAuth      = 16 << 10 // bytes of a CONNECT: a Handshake keeps them until the client leaves
	maxAckID     = 1 << 53
)

// packetLimits are the limits of packets that Options set.
type packetLimits struct{ attachments, values int }

func (o *Options) packetLimits() packetLimits {
	return packetLimits{o.MaxAttachments, o.MaxValues}
}

// rules are the rules for the JSON in a packet. They allow duplicate keys: some clients send them,
// and no decision of the server depends on them.
func (l packetLimits) rules() strictjson.Rules {
	return strictjson.Rules{Depth: maxDepth, Values: l.values, DuplicateKeys: true}
}

func (l packetLimits) tooManyValues() error {
	return Refuse(fmt.Sprintf("Payload has more than %d JSON values", l.values),
		map[string]any{"code": edge.CodePayloadTooLarge})
}

// packet is one Socket.IO packet from a client. decodePacket has checked it, so handlers can rely
// on its form.
type packet struct {
	kind        byte
	namespace   string
	id          uint64
	hasID       bool
	attachments int
	auth        map[string]json.RawMessage // CONNECT
	excess      error                      // why the data is too large; it is not decoded then
	name        string                     // EVENT
	args        []json.RawMessage          // EVENT without its name; ACK
	parts       [][]byte                   // the attachments
	size        int                        // bytes on the wire, with the attachments
}

func (p *packet) isEvent() bool { return p.kind == kindEvent || p.kind == kindBinaryEvent }
func (p *packet) isAck() bool   { return p.kind == kindAck || p.kind == kindBinaryAck }

// decodePacket reads `<kind>[<n>-][<namespace>,][<ack id>][json]` strictly. After an error the
// caller closes the connection, because the client does not follow the protocol.
func decodePacket(text []byte, l packetLimits) (*packet, error) {
	if len(text) == 0 {
		return nil, errors.New("empty packet")
	}
	if text[0] == kindConnectError {
		return nil, errNotForClients(kindConnectError)
	}
	p := &packet{kind: text[0], namespace: notify.RootNamespace}
	rest, err := p.decodeHeader(text, l.attachments)
	if err != nil {
		return nil, err
	}
	return p, p.decodeData(rest, l)
}

func errNotForClients(kind byte) error {
	return fmt.Errorf("packet type %q is not for clients", kind)
}

// decodeHeader decodes the text before the data, which it returns. The packet has at most so many
// attachments.
func (p *packet) decodeHeader(text []byte, most int) (data []byte, err error) {
	rest := text[1:]
	switch p.kind {
	case kindBinaryEvent, kindBinaryAck:
		digits, after, found := bytes.Cut(rest, []byte{'-'})
		n, err := strconv.ParseUint(string(digits), 10, 16)
		if !found || err != nil || n < 1 || n > uint64(most) {
			return nil, fmt.Errorf("attachment count must be 1 to %d", most)
		}
		p.attachments, rest = int(n), after
	case kindConnect, kindDisconnect, kindEvent, kindAck, kindConnectError:
	default:
		return nil, errNotForClients(p.kind)
	}
	if len(rest) > 0 && rest[0] == '/' {
		name, after, _ := bytes.Cut(rest, []byte{','})
		if len(name) > maxNamespace {
			return nil, fmt.Errorf("namespace is longer than %d bytes", maxNamespace)
		}
		p.namespace, rest = string(name), after
	}
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	if digits > 0 {
		id, err := strconv.ParseUint(string(rest[:digits]), 10, 64)
		if err != nil || id > maxAckID {
			return nil, errors.New("acknowledgement id is out of range")
		}
		p.id, p.hasID, rest = id, true, rest[digits:]
	}
	if header := text[:len(text)-len(rest)]; !utf8.Valid(header) {
		return nil, errors.New("packet is not UTF-8")
	}
	return rest, nil
}

// decodeData decodes the data after the header. The arguments share its memory.
func (p *packet) decodeData(data []byte, l packetLimits) error {
	switch {
	case p.kind == kindDisconnect && (p.hasID || len(data) != 0):
		return errors.New("DISCONNECT takes no data")
	case p.kind == kindDisconnect:
		return nil
	case p.kind == kindConnect && p.hasID:
		return errors.New("CONNECT takes no id")
	case p.kind == kindConnect && len(data) == 0:
		return nil
	case p.kind == kindConnect && len(data) > maxAuth:
		p.excess = errLargeAuth // it is refused in its place, so that the client learns why
		return nil
	case p.isAck() && !p.hasID:
		return errors.New("ACK needs an id")
	}
	checked, err := strictjson.Split(data, l.rules())
	if errors.Is(err, strictjson.ErrTooMany) {
		p.excess = l.tooManyValues()
		return nil
	}
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if p.kind == kindConnect {
		if checked.Kind() != strictjson.Object {
			return errors.New("CONNECT data must be an object")
		}
		p.auth = make(map[string]json.RawMessage)
		for m := range checked.Members() {
			p.auth[m.Name] = m.Value.Bytes()
		}
		return nil
	}
	if checked.Kind() != strictjson.Array {
		return errors.New("data must be a JSON array")
	}
	p.args = make([]json.RawMessage, 0, 4)
	for e := range checked.Elements() {
		p.args = append(p.args, e.Bytes())
	}
	if p.isEvent() {
		return p.takeName()
	}
	return nil
}

// takeName moves the first element of an event's array, its name, out of args.
func (p *packet) takeName() error {
	if len(p.args) == 0 {
		return errors.New("an event needs a name")
	}
	first := p.args[0]
	p.args = p.args[1:]
	switch {
	case first[0] == '"':
		if err := json.Unmarshal(first, &p.name); err != nil {
			return errors.New("event name is not valid JSON")
		}
	case first[0] == '-' || (first[0] >= '0' && first[0] <= '9'):
		p.name = string(first)
	default:
		return errors.New("event name must be a string or a number")
	}
	if slices.Contains(notify.ReservedEvents, p.name) {
		return fmt.Errorf("event name %q is reserved", p.name)
	}
	return nil
}
