package disklog

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/internal/share"
)

// A chunk is closed when it has so many entries, or bytes: those or, if that is less, a part of
// Options.MaxBytes. Retention drops whole chunks, or the entries of a room that has too many.
const (
	chunkEntries = 1024
	chunkBytes   = 1 << 20
	chunkPart    = 64
)

// chunk describes neighbouring entries: those after the last one of the chunk before.
type chunk struct {
	last    uint64    // the sequence number of its last entry, which may be dropped
	entries int       // 0: there is no chunk
	bytes   int64     // about their size
	newest  time.Time // when the last one was stored
	counted int64     // bytes when the notes were made
	notes   []note    // of rooms with a large part of counted
	changed bool      // its record is not that on disk
}

// note is what a room has of a chunk. The rooms of a message share its size.
type note struct {
	of    *holding
	bytes int64
}

// chunks has the chunks of the log, oldest first, and the one that grows.
type chunks struct {
	full  []chunk
	grows chunk
	rooms map[string]int64 // what each room has of the one that grows
	bytes int64            // of all
	limit int64            // bytes of a chunk
	ttl   time.Duration

	shares shares
}

func newChunks(o Options) chunks {
	return chunks{limit: min(chunkBytes, max(o.MaxBytes/chunkPart, 1)), ttl: o.TTL,
		shares: shares{Shares: share.Shares[string]{Limit: o.MaxBytes / roomShare}}, rooms: make(map[string]int64)}
}

// add counts an entry, and reports whether it has filled a chunk.
func (c *chunks) add(m *notify.Message, at time.Time) (full bool) {
	g, bytes := &c.grows, int64(size(m))
	g.last, g.newest = m.ID.Seq, at
	g.entries++
	g.bytes += bytes
	c.bytes += bytes
	for _, room := range m.Rooms {
		c.rooms[room] += perRoom(m)
	}
	if g.entries < chunkEntries && g.bytes < c.limit {
		return false
	}
	c.note(g, c.rooms)
	g.changed = true
	c.full = append(c.full, *g)
	*g = chunk{}
	clear(c.rooms)
	return true
}

// perRoom returns the bytes that count for each room of a message.
func perRoom(m *notify.Message) int64 { return int64(size(m)) / int64(len(m.Rooms)) }

// note replaces the notes of a chunk.
func (c *chunks) note(of *chunk, rooms map[string]int64) {
	c.forget(of)
	of.counted = of.bytes
	for room, bytes := range rooms {
		if bytes > 0 && bytes >= of.bytes/notedPart {
			c.charge(of, room, bytes)
		}
	}
}

// charge adds a note to a chunk.
func (c *chunks) charge(of *chunk, room string, bytes int64) {
	h := c.shares.of(room)
	of.notes = append(of.notes, note{h, bytes})
	c.shares.charge(h, bytes)
}

// forget removes the notes of a chunk.
func (c *chunks) forget(of *chunk) {
	for _, n := range of.notes {
		c.shares.charge(n.of, -n.bytes)
	}
	of.notes = nil
}

// oldest returns the oldest chunk, which may be the one that grows.
func (c *chunks) oldest() chunk {
	if len(c.full) > 0 {
		return c.full[0]
	}
	return c.grows
}

// newest returns the last sequence number of those chunks that may lose something: the full ones, or the
// only one.
func (c *chunks) newest() uint64 {
	if n := len(c.full); n > 0 {
		return c.full[n-1].last
	}
	return c.grows.last
}

// drop forgets the oldest chunk.
func (c *chunks) drop() {
	c.bytes -= c.oldest().bytes
	if len(c.full) == 0 {
		c.grows = chunk{}
		clear(c.rooms)
		return
	}
	c.forget(&c.full[0])
	c.full[0] = chunk{}
	c.full = c.full[1:]
}

// find returns the place of the full chunk that has a sequence number, or the number of full chunks.
func (c *chunks) find(seq uint64) int {
	i, _ := slices.BinarySearchFunc(c.full, seq, func(of chunk, seq uint64) int {
		switch {
		case of.last < seq:
			return -1
		case of.last > seq:
			return 1
		}
		return 0
	})
	return i
}

// release notes that a room has dropped a message of the chunk at i. gone says that no room has it any
// more.
func (c *chunks) release(i int, room string, m *notify.Message, gone bool) {
	of, bytes := &c.full[i], int64(size(m))
	of.changed = true
	if gone {
		c.resize(of, max(of.bytes-bytes, 0))
	}
	c.discharge(of, room, perRoom(m))
}

// discharge takes bytes off the note of a room.
func (c *chunks) discharge(of *chunk, room string, bytes int64) {
	i := slices.IndexFunc(of.notes, func(n note) bool { return n.of.Of == room })
	if i < 0 {
		return
	}
	of.changed = true
	n := &of.notes[i]
	bytes = min(bytes, n.bytes)
	n.bytes -= bytes
	c.shares.charge(n.of, -bytes)
	if n.bytes == 0 {
		of.notes = slices.Delete(of.notes, i, i+1)
	}
}

// absolve removes all notes of a room, so that the next step takes from others.
func (c *chunks) absolve(room string) {
	for i := range c.full {
		c.discharge(&c.full[i], room, math.MaxInt64)
	}
}

// resize sets the bytes of a chunk.
func (c *chunks) resize(of *chunk, bytes int64) {
	c.bytes += bytes - of.bytes
	of.bytes = bytes
}

// stale reports whether the notes of a chunk have to be made again: rooms that had a small part may
// have a large one now, or the other way round.
func (of *chunk) stale() bool {
	return of.bytes < of.counted/2 || len(of.notes) > 2*notedPart
}

// merge joins neighbours of the full chunks from one place to another that have become small, so that
// their number has a bound. Chunks of different times stay apart, because all entries of a chunk are
// dropped together when they are too old. It returns the last sequence numbers of those that it has
// joined to the next one.
func (c *chunks) merge(from, to int) (gone []uint64) {
	slot := func(of chunk) int64 { return of.newest.UnixNano() / max(int64(c.ttl)/16, 1) }
	kept := from
	for i := from; i <= to; i++ {
		of := c.full[i]
		if i+1 < len(c.full) {
			next := &c.full[i+1]
			if of.bytes+next.bytes <= c.limit/8 && slot(of) == slot(*next) {
				next.take(of)
				gone = append(gone, of.last)
				continue
			}
		}
		c.full[kept] = of
		kept++
	}
	c.full = slices.Delete(c.full, kept, to+1)
	return gone
}

// take adds what another chunk has.
func (of *chunk) take(other chunk) {
	of.bytes += other.bytes
	of.counted += other.counted
	of.changed = true
	for _, n := range other.notes {
		i := slices.IndexFunc(of.notes, func(own note) bool { return own.of == n.of })
		if i < 0 {
			of.notes = append(of.notes, n)
		} else {
			of.notes[i].bytes += n.bytes
		}
	}
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
