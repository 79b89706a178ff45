package edge

import (
	"encoding/json"
	"iter"
	"net/http"
)

// RawJSON is encoded JSON. It is written byte for byte, which json.Marshal does not guarantee for a
// json.RawMessage.
type RawJSON []byte

// JSONPieces is encoded JSON that is made while it is written, so that no large reply is in memory as
// a whole. A piece is valid until the next one. When the client is gone no more pieces are made.
type JSONPieces iter.Seq[[]byte]

// WriteJSON writes v, and a line end, with a status.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	setAPIHeaders(w.Header())
	w.Header().Set("Content-Type", "application/json")
	pieces, ready := v.(JSONPieces)
	if !ready {
		body := encode(v)
		pieces = func(yield func([]byte) bool) { yield(body) }
	}
	w.WriteHeader(status)
	for piece := range pieces {
		if _, err := w.Write(piece); err != nil { // a piece may be shared, so nothing is appended to it
			return
		}
	}
	_, _ = w.Write([]byte{'\n'})
}

func encode(v any) []byte {
	if body, ready := v.(RawJSON); ready {
		return body
	}
	body, err := json.Marshal(v)
	if err != nil {
		// Callers pass the server's own types only. One that cannot be marshalled is a defect, which
		// WithRecovery reports.
		panic(err)
	}
	return body
}
