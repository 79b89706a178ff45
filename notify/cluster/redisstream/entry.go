package redisstream

import (
	"errors"
	"hash/maphash"
	"strconv"
	"time"
)

// entry is an entry of the stream. Those of a page share its memory, which the next one has, too.
type entry struct {
	id      streamID
	raw     []byte // the fields and values, as they are on the wire
	uid, rc []byte // two of them
	hash    uint64 // of raw
	size    int    // of the fields and values
}

// time returns when the server stored the entry, by its clock.
func (e *entry) time() time.Time { return time.UnixMilli(int64(min(e.id.ms, 1<<42))).UTC() }

// errReply means that the server replies what Redis does not.
var errReply = errors.New("unexpected reply")

// hashSeed is the same for all entries of the process, which are compared with each other only.
var hashSeed = maphash.MakeSeed()

// readEntry reads an entry: its id, and an array of fields and values.
func readEntry(reply any) (e entry, err error) {
	pair, _ := reply.([]any)
	if len(pair) != 2 {
		return e, errReply
	}
	id, _ := pair[0].(string)
	texts, _ := pair[1].([]any)
	var ok bool
	if e.id, ok = parseID(id); !ok {
		return e, errReply
	}
	var raw []byte
	for _, text := range texts {
		text, ok := text.(string)
		if !ok {
			return e, errReply
		}
		raw = appendRaw(raw, text)
	}
	r := rawReply{raw}
	if !r.fields(&e, len(texts)) {
		return e, errReply
	}
	return e, nil
}

// appendRaw appends a text as it is on the wire.
func appendRaw(dst []byte, text string) []byte {
	dst = strconv.AppendInt(append(dst, '$'), int64(len(text)), 10)
	return append(append(append(dst, crlf...), text...), crlf...)
}

// readEntries reads the reply of XRANGE and XREVRANGE.
func readEntries(reply any) ([]entry, error) {
	list, ok := reply.([]any)
	if !ok {
		return nil, errReply
	}
	entries := make([]entry, len(list))
	for i := range list {
		var err error
		if entries[i], err = readEntry(list[i]); err != nil {
			return nil, err
		}
	}
	return entries, nil
}
