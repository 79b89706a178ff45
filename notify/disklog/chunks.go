package disklog

import (
	"encoding/binary"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// A chunk is closed when it has so many entries or bytes. Retention drops whole chunks.
const (
	chunkEntries = 1024
	chunkBytes   = 1 << 20
)

// chunk describes neighbouring entries.
type chunk struct {
	last    uint64    // the sequence number of its last entry
	entries int       // 0: there is no chunk
	bytes   int64     // about their size
	newest  time.Time // when the last one was stored
}

// chunks has the chunks of the log, oldest first, and the one that grows.
type chunks struct {
	full  []chunk
	grows chunk
	bytes int64 // of all
}

// add counts an entry, and reports whether it has filled a chunk.
func (c *chunks) add(seq uint64, bytes int, at time.Time) (full bool) {
	g := &c.grows
	g.last, g.newest = seq, at
	g.entries++
	g.bytes += int64(bytes)
	c.bytes += int64(bytes)
	if g.entries < chunkEntries && g.bytes < chunkBytes {
		return false
	}
	c.full = append(c.full, *g)
	*g = chunk{}
	return true
}

// closed returns the stored form of the newest full chunk.
func (c *chunks) closed() []byte {
	newest := c.full[len(c.full)-1]
	return binary.BigEndian.AppendUint64(number(uint64(newest.bytes)),
		uint64(newest.newest.UnixMilli()))
}

// oldest returns the oldest chunk, which may be the one that grows.
func (c *chunks) oldest() chunk {
	if len(c.full) > 0 {
		return c.full[0]
	}
	return c.grows
}

// drop forgets the oldest chunk.
func (c *chunks) drop() {
	c.bytes -= c.oldest().bytes
	if len(c.full) == 0 {
		c.grows = chunk{}
		return
	}
	c.full = c.full[1:]
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// load reads the chunks and finds the head.
func (l *Log) load() error {
	l.head.Store(l.floor.Load())
	err := l.scan(chunkKey(l.floor.Load()+1), successor(chunkPrefix), func(key, value []byte) error {
		if len(value) != 16 {
			return errEntry
		}
		c := chunk{last: seqOf(key), entries: chunkEntries,
			bytes:  int64(binary.BigEndian.Uint64(value)),
			newest: time.UnixMilli(int64(binary.BigEndian.Uint64(value[8:])))}
		l.chunks.full = append(l.chunks.full, c)
		l.chunks.bytes += c.bytes
		l.head.Store(c.last)
		return nil
	})
	if err != nil {
		return err
	}
	return l.scan(logKey(l.head.Load()+1), successor(logPrefix), func(key, value []byte) error {
		stored, ok := entryTime(value)
		if !ok {
			return errEntry
		}
		l.chunks.add(seqOf(key), len(value), stored)
		l.head.Store(seqOf(key))
		return nil
	})
}

// tendSteps is how many chunks are dropped between two commits: each takes about a millisecond.
const tendSteps = 2

// tend drops the oldest chunks while they are too old, or all are too large.
func (l *Log) tend() {
	l.committing.Lock()
	defer l.committing.Unlock()
	if l.broken.Load() != nil {
		return // heal drops everything
	}
	for range tendSteps {
		oldest := l.chunks.oldest()
		if oldest.entries == 0 || l.chunks.bytes <= l.s.o.MaxBytes &&
			l.s.o.Now().Sub(oldest.newest) < l.s.o.TTL {
			return
		}
		if err := l.dropChunk(oldest); damaged(err) {
			l.suspect(err)
			return
		} else if err != nil {
			l.s.o.Fatal(err)
			return
		}
	}
}

// dropChunk drops the oldest entries up to the end of a chunk.
func (l *Log) dropChunk(c chunk) error {
	b := l.s.db.NewBatch()
	defer b.Close()
	floor := l.floor.Load()
	if floor >= c.last {
		return nil // suspect has raised it, so heal gives up everything
	}
	from := logKey(floor + 1)
	err := l.scan(from, logKey(c.last+1), func(key, value []byte) error {
		m, err := decodeEntry(l.id(seqOf(key)), value)
		if err != nil {
			return err
		}
		for _, room := range m.Rooms {
			if err := b.Delete(roomKey(room, m.ID.Seq), nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := b.DeleteRange(from, logKey(c.last+1), nil); err != nil {
		return err
	}
	if err := b.Delete(chunkKey(c.last), nil); err != nil {
		return err
	}
	if err := b.Set(keyFloor, number(c.last), nil); err != nil {
		return err
	}
	l.raise(c.last) // before the commit: a reader looks at it after it has read
	l.chunks.drop()
	return b.Commit(pebble.NoSync)
}
