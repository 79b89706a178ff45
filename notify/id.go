package notify

import (
	"fmt"
	"strconv"
)

// ID is the position of a message in the log. It is opaque to clients. IDs of the same epoch
// compare by Seq. The zero ID is no position. Seq 0 is the position before the first message of the
// epoch.
type ID struct {
	Epoch uint32 // changes when history is lost
	Seq   uint64 // rises, from 1; there may be holes
}

// Position is the reply to a request for the position in the log.
type Position struct {
	Position string `json:"position"` // Hub.Head
}

// maxSeqDigits keeps the text of a sequence number short, and its value in the range of exact
// integers in JavaScript.
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

// IsZero reports whether id is the zero ID.
func (id ID) IsZero() bool { return id == ID{} }

// Cursor is the position at which a client stopped reading, as the client reports it.
type Cursor struct {
	ID      ID   // the last message that the client got; the zero ID counts as Invalid
	Invalid bool // the client sent no valid id: it gets a gap, then messages from now on
	All     bool // the client asks for all retained messages, without a gap
}

// ParseCursor reads the cursor that a client sent: an id, or "0" for All. Anything else is Invalid:
// the client gets a gap instead of an error, after which it would retry for ever. If the client
// sent no cursor, leave Attachment.Resume nil.
func ParseCursor(s string) Cursor {
	if s == "0" {
		return Cursor{All: true}
	}
	id, err := ParseID(s)
	return Cursor{ID: id, Invalid: err != nil}
}
