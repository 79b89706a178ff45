package disklog

import (
	"github.com/cockroachdb/pebble/v2"
)

// tendSteps is how many steps tend makes at least between two commits: each takes about a millisecond.
const tendSteps = 2

// tend drops the oldest chunks while they are too old. While all are too large, it drops the oldest
// entries of the room with the most above its share, and the oldest chunk when there is no such room.
// It drops as many bytes as were stored since the last call, so that the log does not grow. It waits
// until the newest chunk that it can drop from is delivered; settle wakes the writers then.
func (l *Log) tend() {
	l.making.Lock()
	defer l.making.Unlock()
	stored, before := l.stored, l.chunks.bytes
	l.stored = 0
	for step := 0; step < tendSteps || before-l.chunks.bytes < stored; step++ {
		if l.broken.Load() != nil {
			return // heal drops everything
		}
		var err error
		oldest := l.chunks.oldest()
		expired := l.s.o.Now().Sub(oldest.newest) >= l.s.o.TTL
		switch {
		case oldest.entries == 0 || !expired && l.chunks.bytes <= l.s.o.MaxBytes:
			return
		case l.chunks.newest() > l.head.Load():
			l.stored = stored
			l.overdue.Store(true)
			return
		case expired:
			err = l.dropChunk(oldest)
		default:
			if heaviest := l.chunks.shares.Heaviest(); heaviest != nil {
				err = l.dropFrom(heaviest.Of)
			} else {
				err = l.dropChunk(oldest)
			}
		}
		if damaged(err) {
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
			if m.ID.Seq <= l.floors.of(room) {
				continue
			}
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
	if err := dropRecord(b, c.last); err != nil {
		return err
	}
	if err := b.Set(keyFloor, number(c.last), nil); err != nil {
		return err
	}
	l.raise(c.last) // before the commit: a reader looks at it after it has read
	if err := l.forgetFloors(b, c.last); err != nil {
		return err
	}
	l.chunks.drop()
	return b.Commit(pebble.NoSync)
}

// forgetFloors removes the floors of rooms that are not above that of all.
func (l *Log) forgetFloors(b *pebble.Batch, floor uint64) error {
	rooms := l.floors.below(floor)
	for _, room := range rooms {
		if err := b.Delete(floorKey(room), nil); err != nil {
			return err
		}
	}
	if len(rooms) == 0 {
		return nil
	}
	return l.setFormat(b)
}

// setFormat writes the version that the store needs with the floors of rooms that it has.
func (l *Log) setFormat(b *pebble.Batch) error {
	return b.Set(keyFormat, formatValue(meta{rooms: l.floors.all()}.format()), nil)
}

// dropRecord deletes the record of a chunk.
func dropRecord(b *pebble.Batch, last uint64) error {
	if err := b.Delete(chunkKey(last), nil); err != nil {
		return err
	}
	return b.Delete(noteKey(last), nil)
}
