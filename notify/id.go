package notify

import (
	"fmt"
	"strconv"
)

// ID is the place of a message in the log. It is opaque to clients; ids of one epoch compare by Seq.
// The zero ID is none; Seq 0 of an epoch is the place before its first message.
type ID struct {
	Epoch uint32 // new whenever history is lost
	Seq   uint64 // from 1, without holes
}

// maxSeqDigits keeps a sequence number exact in JavaScript-sized arithmetic and its text short.
const maxSeqDigits = 16

// ParseID reads the text form, strictly: ^[0-9a-f]{8}-(0|[1-9][0-9]{0,15})$.
func ParseID(s string) (ID, error) {
	bad := func() (ID, error) {
		return ID{}, fmt.Errorf("id %.40q: expected 8 hexadecimal digits, '-' and a number", s)
	}
	if len(s) < 10 || len(s) > 9+maxSeqDigits || s[8] != '-' {
		return bad()
	}
	var id ID
	for _, c := range []byte(s[:8]) {
		switch {
		case c >= '0' && c <= '9':
			id.Epoch = id.Epoch<<4 | uint32(c-'0')
		case c >= 'a' && c <= 'f':
			id.Epoch = id.Epoch<<4 | uint32(c-'a'+10)
		default:
			return bad()
		}
	}
	if s[9] == '0' && len(s) > 10 {
		return bad()
	}
	for _, c := range []byte(s[9:]) {
		if c < '0' || c > '9' {
			return bad()
		}
		id.Seq = id.Seq*10 + uint64(c-'0')
	}
	return id, nil
}

// String returns the text form, "5f3a9c01-1042".
func (id ID) String() string { return string(id.AppendTo(make([]byte, 0, 9+maxSeqDigits))) }

// AppendTo appends the text form to dst.
func (id ID) AppendTo(dst []byte) []byte {
	const digits = "0123456789abcdef"
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, digits[id.Epoch>>shift&15])
	}
	dst = append(dst, '-')
	return strconv.AppendUint(dst, id.Seq, 10)
}

// IsZero reports whether id is none.
func (id ID) IsZero() bool { return id == ID{} }

// Cursor is where a client says it stopped reading.
type Cursor struct {
	ID      ID   // the last message it got; the zero Cursor's is treated like Invalid
	Invalid bool // it sent something that is no id: a gap, then from now
	All     bool // it asked for all that is retained, without a gap
}

// ParseCursor reads a client's cursor: an id, "0" for All; anything else is Invalid, so that a bad cursor becomes
// a gap that the client sees instead of an error that it retries for ever. Leave Attachment.Resume nil when the
// client sent none.
func ParseCursor(s string) Cursor {
	if s == "0" {
		return Cursor{All: true}
	}
	id, err := ParseID(s)
	return Cursor{ID: id, Invalid: err != nil}
}
