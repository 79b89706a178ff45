package socketio

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/engineio"
	"github.com/roomcast/roomcast/server/msgpack"
)

// Packets of socket.io-msgpack-parser are maps with the members type, nsp, data and id. In this
// package a packet is the text of the default parser; it is translated where it enters and where it
// leaves. A message for many clients is translated once.

// newFrame returns the frame of a packet, in the encoding of the parser.
func (s *Server) newFrame(text []byte, attachments ...[]byte) *engineio.Frame {
	if s.opts.Parser == ParserMsgpack {
		return engineio.NewBinaryFrame(toMsgpack(text, attachments))
	}
	return engineio.NewFrame(text, attachments...)
}

// writeText appends a packet without attachments, the concatenation of parts.
func (s *Server) writeText(b *engineio.Batch, parts ...[]byte) {
	if s.opts.Parser == ParserMsgpack {
		b.Binary(toMsgpack(slices.Concat(parts...), nil))
		return
	}
	b.Text(parts...)
}

// writeRenamed appends a message with another name, which quoteName has encoded.
func (s *Server) writeRenamed(b *engineio.Batch, f *messageFrame, name []byte) {
	if s.opts.Parser == ParserMsgpack {
		whole := f.Binary(0)
		b.Binary(slices.Concat(whole[:f.header], name, whole[f.rest:]))
		return
	}
	text := f.Text()
	b.Text(text[:f.header], name, text[f.rest:])
}

func (s *Server) quoteName(name string) []byte {
	if s.opts.Parser == ParserMsgpack {
		return msgpack.AppendString(nil, name)
	}
	return quote(name)
}

// toMsgpack translates a packet of this server.
func toMsgpack(text []byte, attachments [][]byte) []byte {
	p := &packet{kind: text[0], namespace: notify.RootNamespace}
	data, _ := p.decodeHeader(text, len(attachments)) // this server wrote it
	out := make([]byte, 0, len(text)+sizeOf(attachments)+32)
	out = msgpack.AppendMap(out, 2+one(p.hasID)+one(len(data) > 0))
	out = msgpack.AppendUint(msgpack.AppendString(out, "type"), uint64(msgpackType(p.kind)))
	out = msgpack.AppendString(msgpack.AppendString(out, "nsp"), p.namespace)
	if p.hasID {
		out = msgpack.AppendUint(msgpack.AppendString(out, "id"), p.id)
	}
	if len(data) > 0 {
		out = msgpack.AppendJSON(msgpack.AppendString(out, "data"), data, attachments)
	}
	return out
}

func one(condition bool) int {
	if condition {
		return 1
	}
	return 0
}

func sizeOf(attachments [][]byte) (n int) {
	for _, a := range attachments {
		n += len(a) + 5
	}
	return n
}

// msgpackType returns the type of a packet: there are no binary kinds.
func msgpackType(kind byte) byte {
	switch kind {
	case kindBinaryEvent:
		kind = kindEvent
	case kindBinaryAck:
		kind = kindAck
	}
	return kind - kindConnect
}

// nameInMsgpack returns the place of the name in an event, an array of the name and the arguments.
func nameInMsgpack(whole []byte, namespace, name string) (from, to int) {
	head := toMsgpack(append(appendHeader(nil, kindEvent, 0, namespace, nil), "[]"...), nil)
	from = len(head) // after the header of an array with fewer than 16 elements
	switch whole[from-1] {
	case 0xdc: // with 16 bits
		from += 2
	case 0xdd:
		from += 4
	}
	return from, from + len(msgpack.AppendString(nil, name))
}

// decodeMsgpack reads a packet of a client strictly, like decodePacket: its data has the form that
// JSON gives it, and obeys the same rules. limit is for the bytes of the JSON.
func decodeMsgpack(data []byte, binary bool, limit int, l packetLimits) (*packet, error) {
	if !binary {
		return nil, errors.New("a text, expected MessagePack")
	}
	p := &packet{size: len(data)}
	value, err := p.readMsgpack(data)
	if err != nil || value == nil {
		if err == nil {
			err = p.decodeData(nil, l)
		}
		return p, err
	}
	if p.kind == kindConnect && len(value) > maxAuth {
		p.excess = errLargeAuth
		return p, nil
	}
	text, parts, err := msgpack.JSON(value, msgpack.Limits{
		Depth: maxDepth, Values: l.values, Binary: l.attachments, Bytes: limit,
	})
	switch {
	case errors.Is(err, msgpack.ErrTooMany):
		p.excess = l.tooManyValues()
		return p, nil
	case errors.Is(err, msgpack.ErrTooLarge):
		p.excess = errLargeData
		return p, nil
	case err != nil:
		return p, err
	case p.kind == kindConnect && len(parts) > 0:
		return p, errors.New("CONNECT takes no binary values")
	}
	p.parts, p.size = parts, p.size+len(text)
	if err := p.decodeData(text, l); err != nil || len(parts) == 0 {
		return p, err
	}
	_, err = (Args{p.args, p.parts}).Values() // an object of the client that looks like a placeholder
	return p, err
}

// readMsgpack reads the members of a packet and returns the bytes of its data, nil without any.
func (p *packet) readMsgpack(message []byte) (data []byte, err error) {
	r := msgpack.NewReader(message)
	seen := map[string]bool{}
	for range r.Map() {
		name := r.String()
		if r.Err() != nil {
			return nil, r.Err()
		}
		if seen[name] {
			return nil, fmt.Errorf("duplicate member %.20q", name)
		}
		value := r.Raw()
		if seen[name] = value != nil; value == nil {
			continue
		}
		member := msgpack.NewReader(value)
		switch name {
		case "type":
			p.kind = byte(min(member.Uint(), 9)) + kindConnect
		case "nsp":
			p.namespace = member.String()
		case "id":
			p.id, p.hasID = member.Uint(), true
		case "data":
			data = value
			continue
		default: // options, which socket.io-client sends, too
			if len(seen) > 16 {
				return nil, errors.New("too many members")
			}
			continue
		}
		if member.Err() != nil {
			return nil, fmt.Errorf("%s: %w", name, member.Err())
		}
	}
	switch {
	case r.Err() != nil:
		return nil, r.Err()
	case r.Len() > 0:
		return nil, errors.New("bytes after the packet")
	case !seen["type"] || p.kind > kindAck:
		return nil, errors.New("no type of a packet of clients")
	case !strings.HasPrefix(p.namespace, "/") || len(p.namespace) > maxNamespace ||
		strings.Contains(p.namespace, ","):
		return nil, fmt.Errorf("namespace must begin with /, with at most %d bytes", maxNamespace)
	case p.hasID && p.id > maxAckID:
		return nil, errors.New("acknowledgement id is out of range")
	}
	return data, nil
}
