package disklog

import (
	"encoding/binary"
	"time"
)

// record returns the stored form of a full chunk.
func (of *chunk) record() []byte {
	return binary.BigEndian.AppendUint64(number(uint64(of.bytes)), uint64(of.newest.UnixMilli()))
}

// noteRecord returns the stored form of the notes of a chunk.
func (of *chunk) noteRecord() []byte {
	b := binary.AppendUvarint(nil, uint64(of.counted))
	b = binary.AppendUvarint(b, uint64(len(of.notes)))
	for _, n := range of.notes {
		b = binary.AppendUvarint(appendText(b, n.of.Of), uint64(n.bytes))
	}
	return b
}

// read sets a chunk to its stored form.
func (of *chunk) read(value []byte) error {
	if len(value) != 16 {
		return errEntry
	}
	of.entries = chunkEntries
	of.bytes = int64(binary.BigEndian.Uint64(value))
	of.newest = time.UnixMilli(int64(binary.BigEndian.Uint64(value[8:])))
	of.counted = of.bytes
	return nil
}

// readNotes sets the notes of a chunk to their stored form.
func (c *chunks) readNotes(of *chunk, value []byte) error {
	d := decoder{rest: value}
	of.counted = int64(d.number())
	for n := d.number(); n > 0 && !d.failed; n-- {
		room, bytes := d.text(), int64(d.number())
		if bytes > 0 {
			c.charge(of, room, bytes)
		}
	}
	if d.failed || len(d.rest) > 0 {
		return errEntry
	}
	return nil
}
