package nodewire

import (
	"strconv"
	"strings"

	"github.com/roomcast/roomcast/notify"
)

// Stored is an entry that is kept outside of the stream, with its id. The text is
//
//	<id> <length>:<name><length>:<value>…
//
// with the names and values of Fields.Pairs, in any order. Scripts of Redis write it.
type Stored struct {
	ID     notify.ID
	Fields Fields
}

// maxStored is the longest text of a Stored: two fields, data and rc, can be long.
const maxStored = 2*MaxPayload + 1024

// DecodeStored reads the text. The error is a *SkipError.
func DecodeStored(text string) (s Stored, err error) {
	if len(text) > maxStored {
		return s, skip("stored", "is longer than %d bytes", maxStored)
	}
	id, rest, _ := strings.Cut(text, " ")
	if s.ID, err = StreamID(id); err != nil {
		return Stored{}, skip("stored.id", "%v", err)
	}
	for rest != "" {
		var name, value string
		var ok1, ok2 bool
		name, rest, ok1 = cutCounted(rest)
		value, rest, ok2 = cutCounted(rest)
		if !ok1 || !ok2 {
			return Stored{}, skip("stored.fields", "are cut off, or have no lengths")
		}
		s.Fields.Set(name, value)
	}
	return s, nil
}

// cutCounted splits a text behind its first part, which has its length before it.
func cutCounted(text string) (part, rest string, ok bool) {
	number, _, found := strings.Cut(text[:min(len(text), 10)], ":")
	n, err := strconv.ParseUint(number, 10, 31)
	if !found || err != nil {
		return "", "", false
	}
	rest = text[len(number)+1:]
	if uint64(len(rest)) < n {
		return "", "", false
	}
	return rest[:n], rest[n:], true
}
