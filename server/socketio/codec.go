package socketio

import (
	"encoding/json"
	"errors"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/engineio"
)

// codec is the parser given to the library. Its decoder takes packets that
// decodePacket has already held against the rules, and its encoder refuses what
// cannot be marshalled, where the library's own sends an empty packet.
type codec struct{ log *zap.Logger }

func (c codec) NewEncoder() parser.Encoder { return encoder(c) }
func (c codec) NewDecoder() parser.Decoder { return &decoder{EventEmitter: events.New()} }

// wirePacket carries an encoded packet through the library's Client, which
// clones and writes buffers, without being taken apart on the way.
type wirePacket struct {
	types.BufferInterface // nil: nobody reads the bytes on the way
	kind                  byte
	namespace             string
	frame                 *engineio.Frame
}

// Clone returns the packet itself: it is never changed.
func (w *wirePacket) Clone() types.BufferInterface { return w }
func (w *wirePacket) Read([]byte) (int, error)     { return 0, errors.New("an encoded packet is not read") }

// encoder is one value for all clients, so it keeps nothing.
type encoder struct{ log *zap.Logger }

// Encode turns a packet of the library into one frame, attachments included.
func (e encoder) Encode(p *parser.Packet) []types.BufferInterface {
	w, err := encodeWire(byte(p.Type), p.Nsp, p.Id, p.Data)
	if err != nil {
		e.log.Error("packet cannot be encoded", zap.String("namespace", p.Nsp), zap.Error(err))
		if byte(p.Type) == kindConnectError {
			w, err = encodeWire(kindConnectError, p.Nsp, nil, bareRefusal(p.Data))
		}
		if err != nil {
			return nil
		}
	}
	return []types.BufferInterface{w}
}

func encodeWire(kind byte, namespace string, id *uint64, data any) (*wirePacket, error) {
	text, attachments, err := encodePacket(kind, namespace, id, data)
	if err != nil {
		return nil, err
	}
	return &wirePacket{kind: kind, namespace: namespace, frame: engineio.NewFrame(text, attachments...)}, nil
}

// encodePacket is the wire form of a packet: its text, then its attachments.
// An event or an acknowledgement with binary values becomes the binary kind.
func encodePacket(kind byte, namespace string, id *uint64, data any) (text []byte, attachments [][]byte, err error) {
	if kind == kindEvent || kind == kindAck {
		if data, err = detach(data, placeholders(&attachments)); err != nil {
			return nil, nil, err
		}
		if args, ok := data.([]any); kind == kindAck && (!ok || args == nil) {
			data = []any{}
		}
		if len(attachments) > 0 {
			kind += kindBinaryEvent - kindEvent
		}
	}
	text = appendHeader(nil, kind, len(attachments), namespace, id)
	if data == nil {
		return text, nil, nil
	}
	body, err := marshal(data)
	if err != nil {
		return nil, nil, err
	}
	return append(text, body...), attachments, nil
}

// decoder hands checked packets to the library's Client.
type decoder struct{ events.EventEmitter }

// Add takes a *parser.Packet; the bytes were decoded before.
func (d *decoder) Add(data any) error {
	p, ok := data.(*parser.Packet)
	if !ok {
		return errors.New("packets reach the library decoded")
	}
	d.Emit("decoded", p)
	return nil
}

// Destroy has nothing to release.
func (d *decoder) Destroy() {}

// values decodes the arguments of an event for handlers, with the binary values
// in place of their placeholders.
func values(args []json.RawMessage, attachments [][]byte) ([]any, error) {
	out := make([]any, len(args))
	for i, raw := range args {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, err
		}
		if len(attachments) > 0 {
			var err error
			if v, err = fill(v, attachments); err != nil {
				return nil, err
			}
		}
		out[i] = v
	}
	return out, nil
}

// fill puts attachments in place of the placeholders of v, in place.
func fill(v any, attachments [][]byte) (any, error) {
	switch t := v.(type) {
	case []any:
		for i := range t {
			var err error
			if t[i], err = fill(t[i], attachments); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if marked, ok := t["_placeholder"].(bool); ok && marked {
			num, ok := t["num"].(float64)
			if !ok || num < 0 || num >= float64(len(attachments)) || num != float64(int(num)) {
				return nil, errors.New("placeholder is out of range")
			}
			return types.NewBytesBuffer(attachments[int(num)]), nil
		}
		for key := range t {
			var err error
			if t[key], err = fill(t[key], attachments); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
