package disklog

import (
	"github.com/cockroachdb/pebble/v2"

	"github.com/roomcast/roomcast/notify"
)

// setRecords writes the records of the chunks that have changed.
func setRecords(b *pebble.Batch, chunks []chunk) error {
	for i := range chunks {
		of := &chunks[i]
		if !of.changed {
			continue
		}
		of.changed = false
		if err := b.Set(chunkKey(of.last), of.record(), nil); err != nil {
			return err
		}
		if err := b.Set(noteKey(of.last), of.noteRecord(), nil); err != nil {
			return err
		}
	}
	return nil
}

// tidy makes the notes of full chunks from one place to another again, if they are stale, and joins
// chunks that have become small. It reads what is left in them: less than what was dropped since the
// notes were made.
func (l *Log) tidy(from, to int) error {
	c, b := &l.chunks, l.s.db.NewBatch()
	defer b.Close()
	for i := from; i <= to; i++ {
		if c.full[i].stale() {
			if err := l.count(i); err != nil {
				return err
			}
		}
	}
	joined := c.merge(from, to)
	for _, last := range joined {
		if err := dropRecord(b, last); err != nil {
			return err
		}
	}
	if err := setRecords(b, c.full[from:min(to-len(joined)+2, len(c.full))]); err != nil {
		return err
	}
	if b.Empty() || l.broken.Load() != nil { // suspect has raised the floors
		return nil
	}
	return b.Commit(pebble.NoSync)
}

// count makes the notes of a full chunk again.
func (l *Log) count(i int) error {
	of, after := &l.chunks.full[i], l.floor.Load()
	if i > 0 {
		after = l.chunks.full[i-1].last
	}
	if after >= of.last {
		return nil // suspect has raised the floor
	}
	rooms, bytes := make(map[string]int64), int64(0)
	err := l.scan(logKey(after+1), logKey(of.last+1), func(key, value []byte) error {
		m, err := decodeEntry(notify.ID{Seq: seqOf(key)}, value)
		if err != nil {
			return err
		}
		bytes += int64(size(m))
		for _, room := range m.Rooms {
			if m.ID.Seq > l.Floor(room) {
				rooms[room] += perRoom(m)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.chunks.resize(of, bytes)
	l.chunks.note(of, rooms)
	of.changed = true
	return nil
}
