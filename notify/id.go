package notify

import (
	"fmt"
	"strconv"
)

// ID is the position of a message in the log. It is opaque to clients. IDs of the same epoch
// compare by Seq. The zero ID is no position. Seq 0 is the position before the first message of the
// epoch.
type ID struct {
	Epoch uint32 // changes when history is lost; StreamEpoch for a log on a stream
	Seq   uint64 // rises, from 1; there may be holes
}

// StreamEpoch is the epoch of every log on a Redis stream. No other log has it.
const StreamEpoch = 1<<32 - 1

// StreamBits is how many bits of Seq have the number of an entry within its millisecond. The others have
// the milliseconds.
const StreamBits = 22

// The text of a time in ms has 13 digits from September 2001 on, and fits beside the number until
// 2109.
const (
	minStreamMS = 1_000_000_000_000
	streamAt    = 13 // of the '-' in the text form
)

// StreamID returns the id of the entry <ms>-<n> of a Redis stream. ok is false if the entry can have
// no id: ms is before September 2001 or after May 2109, or n is not below 2^22. The position before
// the first entry is ID{Epoch: StreamEpoch}.
func StreamID(ms, n uint64) (id ID, ok bool) {
	if ms < minStreamMS || ms >= 1<<(64-StreamBits) || n >= 1<<StreamBits {
		return ID{}, false
	}
	return ID{Epoch: StreamEpoch, Seq: ms<<StreamBits | n}, true
}

// Position is the reply to a request for the position in the log.
type Position struct {
	Position string `json:"position"` // Hub.Head
}

// maxSeqDigits keeps the text of a sequence number short, and its value in the range of exact
// integers in JavaScript.
const maxSeqDigits = 16

// ParseID reads the text form, strictly: ^[0-9a-f]{8}-(0|[1-9][0-9]{0,15})$ or, for an entry of a
// stream, ^[1-9][0-9]{12}-(0|[1-9][0-9]{0,6})$. Of the epoch ffffffff the first form has the position
// 0 only.
func ParseID(s string) (ID, error) {
	id, ok := parseID(s)
	if !ok {
		return ID{}, fmt.Errorf("id %.40q: expected 8 hexadecimal digits, '-' and a number", s)
	}
	return id, nil
}

func parseID(s string) (id ID, ok bool) {
	if len(s) > streamAt && s[streamAt] == '-' && s[8] != '-' {
		ms, okTime := parseNumber(s[:streamAt], streamAt)
		n, okNumber := parseNumber(s[streamAt+1:], 7)
		if id, ok = StreamID(ms, n); !okTime || !okNumber {
			return ID{}, false
		}
		return id, ok
	}
	if len(s) < 10 || s[8] != '-' {
		return ID{}, false
	}
	for _, c := range []byte(s[:8]) {
		switch {
		case c >= '0' && c <= '9':
			id.Epoch = id.Epoch<<4 | uint32(c-'0')
		case c >= 'a' && c <= 'f':
			id.Epoch = id.Epoch<<4 | uint32(c-'a'+10)
		default:
			return ID{}, false
		}
	}
	id.Seq, ok = parseNumber(s[9:], maxSeqDigits)
	if id.Epoch == StreamEpoch && id.Seq != 0 {
		return ID{}, false
	}
	return id, ok
}

// parseNumber reads 1 to most digits without a leading zero.
func parseNumber(s string, most int) (n uint64, ok bool) {
	if s == "" || len(s) > most || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}

// String returns the text form, "5f3a9c01-1042" or, for an entry of a stream, "1764201600000-3".
func (id ID) String() string { return string(id.AppendTo(make([]byte, 0, 9+maxSeqDigits))) }

// AppendTo appends the text form to dst.
func (id ID) AppendTo(dst []byte) []byte {
	if id.Epoch == StreamEpoch && id.Seq != 0 {
		dst = strconv.AppendUint(dst, id.Seq>>StreamBits, 10)
		dst = append(dst, '-')
		return strconv.AppendUint(dst, id.Seq&(1<<StreamBits-1), 10)
	}
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
