package disklog

import (
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// drops is one step that drops the oldest entries of a room, at most chunkEntries of them and about the
// bytes of a chunk. An entry that another room holds stays. Everything is one batch: after a crash the
// step is done or not.
type drops struct {
	l    *Log
	b    *pebble.Batch
	room string
	it   *pebble.Iterator // over the log
	to   uint64           // the last entry that the room has dropped
	at   int              // the chunk of that
	work int64            // bytes that were read
	gone []uint64         // entries to delete: a run of neighbours
}

// dropFrom drops the oldest entries of a room.
func (l *Log) dropFrom(room string) (err error) {
	from, full := l.Floor(room)+1, l.chunks.full
	end := full[len(full)-1].last // its share is noted for full chunks only
	if from > end {
		l.chunks.absolve(room) // the notes were wrong, or suspect has raised the floor
		return nil
	}
	d := drops{l: l, b: l.s.db.NewBatch(), room: room, to: from - 1, at: l.chunks.find(from)}
	defer d.b.Close()
	d.it, err = l.s.db.NewIter(&pebble.IterOptions{
		LowerBound: logKey(from), UpperBound: logKey(end + 1),
	})
	if err != nil {
		return err
	}
	defer d.it.Close()
	first := d.at
	if err := d.collect(from, end); err != nil {
		return err
	}
	return d.commit(from, first)
}

// collect reads the entries of the room and drops them.
func (d *drops) collect(from, end uint64) error {
	in, err := d.l.s.db.NewIter(&pebble.IterOptions{
		LowerBound: roomKey(d.room, from), UpperBound: roomKey(d.room, end+1),
	})
	if err != nil {
		return err
	}
	defer in.Close()
	n, more := 0, in.First()
	for ; more && n < chunkEntries && d.work < d.l.chunks.limit; n++ {
		if err := d.drop(seqOf(in.Key())); err != nil {
			return err
		}
		more = in.Next()
	}
	if err := in.Error(); err != nil {
		return err
	}
	if n == 0 {
		d.l.chunks.absolve(d.room) // the notes were wrong
	}
	return d.flush()
}

// drop drops one entry of the room.
func (d *drops) drop(seq uint64) error {
	value, err := d.read(seq)
	if err != nil {
		return err
	}
	m, err := decodeEntry(d.l.id(seq), value)
	if err != nil {
		return err
	}
	d.leave(d.l.chunks.find(seq))
	d.to = seq
	gone := !slices.ContainsFunc(m.Rooms, func(room string) bool { return d.holds(room, seq) })
	d.l.chunks.release(d.at, d.room, m, gone)
	d.work += int64(len(value))
	if !gone {
		return nil
	}
	if n := len(d.gone); n > 0 && d.gone[n-1] != seq-1 {
		if err := d.flush(); err != nil {
			return err
		}
	}
	d.gone = append(d.gone, seq)
	return nil
}

// read returns the stored form of an entry.
func (d *drops) read(seq uint64) ([]byte, error) {
	key := logKey(seq)
	if !d.it.SeekGE(key) || !slices.Equal(d.it.Key(), key) {
		if err := d.it.Error(); err != nil {
			return nil, err
		}
		return nil, errEntry
	}
	return d.it.ValueAndErr()
}

// holds reports whether a room has an entry after this step.
func (d *drops) holds(room string, seq uint64) bool {
	if room == d.room {
		return seq > d.to
	}
	return seq > d.l.Floor(room)
}

// runOfNeighbours is the number of entries that are deleted as a range: a few single ones take less.
const runOfNeighbours = 16

// flush deletes the entries that are gone.
func (d *drops) flush() error {
	defer func() { d.gone = d.gone[:0] }()
	if n := len(d.gone); n >= runOfNeighbours {
		return d.b.DeleteRange(logKey(d.gone[0]), logKey(d.gone[n-1]+1), nil)
	}
	for _, seq := range d.gone {
		if err := d.b.Delete(logKey(seq), nil); err != nil {
			return err
		}
	}
	return nil
}

// leave moves on to a later chunk. The room has nothing in those before it.
func (d *drops) leave(to int) {
	c := &d.l.chunks
	for ; d.at < to; d.at++ {
		of := &c.full[d.at]
		c.discharge(of, d.room, math.MaxInt64)
		if of.changed && of.stale() {
			d.work += of.bytes // it will be read
		}
	}
}

// commit writes what has changed.
func (d *drops) commit(from uint64, first int) error {
	c := &d.l.chunks
	first, last := max(first-1, 0), min(d.at, len(c.full)-1)
	if err := setRecords(d.b, c.full[first:last+1]); err != nil {
		return err
	}
	if d.to >= from {
		if err := d.raise(from); err != nil {
			return err
		}
	}
	if d.l.broken.Load() != nil {
		return nil // suspect has raised the floors during the step, and heal gives up everything
	}
	if err := d.b.Commit(pebble.NoSync); err != nil {
		return err
	}
	return d.l.tidy(first, last)
}

// raise raises the floor of the room.
func (d *drops) raise(from uint64) error {
	if err := d.b.DeleteRange(roomKey(d.room, from), roomKey(d.room, d.to+1), nil); err != nil {
		return err
	}
	if err := d.b.Set(floorKey(d.room), number(d.to), nil); err != nil {
		return err
	}
	d.l.floors.raise(d.room, d.to) // before the commit: a reader looks at it after it has read
	return d.l.setFormat(d.b)
}
