package disklog

import (
	"github.com/cockroachdb/pebble/v2"
)

// load reads the chunks and finds the head.
func (l *Log) load() error {
	l.head.Store(l.floor.Load())
	c := &l.chunks
	err := l.scan(chunkKey(l.floor.Load()+1), successor(chunkPrefix), func(key, value []byte) error {
		of := chunk{last: seqOf(key)}
		if err := of.read(value); err != nil {
			return err
		}
		c.full = append(c.full, of)
		c.bytes += of.bytes
		l.head.Store(of.last)
		return nil
	})
	if err != nil {
		return err
	}
	if err := l.loadNotes(); err != nil {
		return err
	}
	known := len(c.full)
	err = l.scan(logKey(l.head.Load()+1), successor(logPrefix), func(key, value []byte) error {
		m, err := decodeEntry(l.id(seqOf(key)), value)
		if err != nil {
			return err
		}
		c.add(m, m.Stored)
		l.head.Store(m.ID.Seq)
		return nil
	})
	if err != nil || known == len(c.full) {
		return err
	}
	// In a rescued store: the record of a later chunk would count for these too.
	b := l.s.db.NewBatch()
	defer b.Close()
	if err := setRecords(b, c.full[known:]); err != nil {
		return err
	}
	return b.Commit(pebble.NoSync)
}

// loadNotes reads the notes of the chunks. Those of other chunks were left by an earlier version, which
// does not know notes: it removes them.
func (l *Log) loadNotes() error {
	c, b := &l.chunks, l.s.db.NewBatch()
	defer b.Close()
	err := l.scan([]byte(notePrefix), successor(notePrefix), func(key, value []byte) error {
		seq := seqOf(key)
		if i := c.find(seq); i < len(c.full) && c.full[i].last == seq {
			return c.readNotes(&c.full[i], value)
		}
		return b.Delete(key, nil)
	})
	if err != nil || b.Empty() {
		return err
	}
	return b.Commit(pebble.NoSync)
}
