package library

import (
	"errors"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
)

// codec is the parser given to the library. Nothing is encoded or decoded here: packets pass as they are, and what
// reaches a client is encoded by package socketio.
type codec struct{ f *facade }

func (codec) NewEncoder() parser.Encoder { return encoder{} }
func (codec) NewDecoder() parser.Decoder { return &decoder{EventEmitter: events.New()} }

// wirePacket carries a packet through the library's Client, which clones and writes buffers.
type wirePacket struct {
	types.BufferInterface // nil: nobody reads the bytes on the way
	packet                *parser.Packet
}

// Clone returns the packet itself: it is never changed.
func (w *wirePacket) Clone() types.BufferInterface { return w }

func (w *wirePacket) Read([]byte) (int, error) { return 0, errors.New("library: a packet is not read") }

// encoder is one value for all clients, so it keeps nothing.
type encoder struct{}

func (encoder) Encode(p *parser.Packet) []types.BufferInterface {
	return []types.BufferInterface{&wirePacket{packet: p}}
}

// decoder hands packets to the library's Client.
type decoder struct{ events.EventEmitter }

// Add takes a *parser.Packet.
func (d *decoder) Add(data any) error {
	p, ok := data.(*parser.Packet)
	if !ok {
		return errors.New("library: packets are not decoded here")
	}
	d.Emit("decoded", p)
	return nil
}

// Destroy has nothing to release.
func (d *decoder) Destroy() {}
