package redisstream

import (
	"errors"
	"hash/maphash"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// entry is an entry of the stream.
type entry struct {
	id     streamID
	fields nodewire.Fields
	hash   uint64 // of all fields and values
	size   int    // of all fields and values
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
	if e.id, ok = parseID(id); !ok || len(texts)%2 != 0 {
		return e, errReply
	}
	var h maphash.Hash
	h.SetSeed(hashSeed)
	for i := 0; i < len(texts); i += 2 {
		name, ok1 := texts[i].(string)
		value, ok2 := texts[i+1].(string)
		if !ok1 || !ok2 {
			return e, errReply
		}
		for _, text := range [...]string{name, value} {
			maphash.WriteComparable(&h, len(text))
			_, _ = h.WriteString(text)
		}
		e.size += len(name) + len(value)
		e.fields.Set(name, value)
	}
	e.hash = h.Sum64()
	return e, nil
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

// readNew reads the reply of XREAD for one stream: no entries are none that are new.
func readNew(cmd *redis.Cmd) ([]entry, error) {
	reply, err := cmd.Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	streams, _ := reply.([]any)
	if len(streams) != 1 {
		return nil, errReply
	}
	stream, _ := streams[0].([]any)
	if len(stream) != 2 {
		return nil, errReply
	}
	return readEntries(stream[1])
}
