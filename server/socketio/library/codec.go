package library

import (
	"errors"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
)

// codec is the parser that the library uses. It neither encodes nor decodes: the library receives
// packets as values, and package socketio encodes the packets for clients.
type codec struct{ f *facade }

func (codec) NewEncoder() parser.Encoder { return encoder{} }
func (codec) NewDecoder() parser.Decoder { return &decoder{EventEmitter: events.New()} }

// wirePacket carries a packet through the library's Client, which clones and writes buffers.
type wirePacket struct {
	types.BufferInterface // nil: no code reads the bytes
	packet                *parser.Packet
}

// Clone returns the packet itself, which never changes.
func (w *wirePacket) Clone() types.BufferInterface { return w }

func (w *wirePacket) Read([]byte) (int, error) {
	return 0, errors.New("library: packets have no bytes")
}

// encoder is one value for all clients, so it has no state.
type encoder struct{}

func (encoder) Encode(p *parser.Packet) []types.BufferInterface {
	return []types.BufferInterface{&wirePacket{packet: p}}
}

// decoder passes packets to the library's Client.
type decoder struct{ events.EventEmitter }

// Add passes on a *parser.Packet and refuses any other type.
func (d *decoder) Add(data any) error {
	p, ok := data.(*parser.Packet)
	if !ok {
		return errors.New("library: expected a *parser.Packet")
	}
	d.Emit("decoded", p)
	return nil
}

// Destroy does nothing: the decoder holds no resources.
func (d *decoder) Destroy() {}
