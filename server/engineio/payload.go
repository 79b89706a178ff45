package engineio

import (
	"bytes"
	"encoding/base64"
	"iter"
	"unicode/utf8"
)

// packets iterates over the packets of a polling payload (protocol section "Packet encoding"): type
// and rest. An empty packet has type 0.
func packets(payload []byte) iter.Seq2[byte, []byte] {
	return func(yield func(byte, []byte) bool) {
		for more := true; more; {
			var p []byte
			p, payload, more = bytes.Cut(payload, []byte{separator})
			var kind byte
			if len(p) > 0 {
				kind, p = p[0], p[1:]
			}
			if !yield(kind, p) {
				return
			}
		}
	}
}

// validPayload reports whether a client may send every packet of a payload. It is called before any
// packet is handled, so that a payload takes effect as a whole or not at all.
func validPayload(payload []byte) bool {
	if !utf8.Valid(payload) {
		return false
	}
	for kind, data := range packets(payload) {
		switch kind {
		case packetMessage, packetPong:
		case packetClose, packetNoop:
			if len(data) > 0 {
				return false
			}
		case packetBinary:
			if !validBase64(data) {
				return false
			}
		default: // OPEN, PING and UPGRADE are for the server or for a WebSocket
			return false
		}
	}
	return true
}

// validBase64 reports whether p is padded standard base64 without the line breaks that the decoder
// would skip.
func validBase64(p []byte) bool {
	if bytes.ContainsAny(p, "\r\n") || len(p)%4 != 0 {
		return false
	}
	var block [3 * 256]byte
	strict := base64.StdEncoding.Strict()
	for len(p) > 0 {
		n := min(len(p), 4*256)
		if m, err := strict.Decode(block[:], p[:n]); err != nil || (m < n/4*3 && n < len(p)) {
			return false // includes padding that is not at the end
		}
		p = p[n:]
	}
	return true
}

// decodeBinary decodes text that validBase64 accepts.
func decodeBinary(p []byte) []byte {
	data := make([]byte, base64.StdEncoding.DecodedLen(len(p)))
	n, _ := base64.StdEncoding.Decode(data, p) // validBase64 has checked it
	return data[:n:n]
}
