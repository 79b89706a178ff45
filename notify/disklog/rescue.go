package disklog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
)

// rescue returns what can be read of the store that was moved aside, within salvageTime: sessions,
// retained messages, and the newest messages, as many as Follow delivers.
func (s *Store) rescue() (found salvaged) {
	db, err := openReadOnly(s.o.fs, s.aside)
	if err != nil {
		s.o.Log.Error("nothing can be read of the damaged data", zap.Error(err))
		return found
	}
	// A library that reads damaged files may do anything.
	defer func() {
		if r := recover(); r != nil {
			s.o.Log.Error("reading the damaged data failed", zap.Any("panic", r))
		}
		_ = db.Close()
	}()
	deadline := time.Now().Add(salvageTime)
	found = salvageState(db, deadline)
	floor, err := (&Store{db: db}).number(keyFloor, 8)
	if err != nil {
		return found // what is dropped would come back
	}
	from := logKey(max(floor, s.newestChunks(db, deadline)) + 1)
	size := int64(0)
	skipped, late := readable(db, from, successor(logPrefix), deadline, func(key, value []byte) bool {
		if _, err := decodeEntry(notify.ID{}, value); err != nil {
			found.skipped++
			return true
		}
		found.messages = append(found.messages, entry{bytes.Clone(key), bytes.Clone(value)})
		size += int64(len(value))
		return size < maxSalvaged
	})
	found.skipped += skipped
	found.late = found.late || late
	return found
}

// newestChunks returns the sequence number after which the messages are about TailBytes.
func (s *Store) newestChunks(db pebble.Reader, deadline time.Time) (after uint64) {
	var all []chunk
	_, _ = readable(db, []byte(chunkPrefix), successor(chunkPrefix), deadline,
		func(key, value []byte) bool {
			if len(value) == 16 {
				all = append(all, chunk{last: seqOf(key), bytes: int64(binary.BigEndian.Uint64(value))})
			}
			return true
		})
	size := int64(0)
	for i := len(all) - 1; i >= 0; i-- {
		if size += all[i].bytes; size > s.o.TailBytes {
			return all[i].last
		}
	}
	return 0
}

// restore writes what was rescued into the new store, and returns its meta keys.
func (s *Store) restore(found salvaged, m meta) (meta, error) {
	b := s.db.NewBatch()
	defer func() { _ = b.Close() }()
	var failed error
	set := func(key, value []byte) {
		failed = errors.Join(failed, b.Set(key, value, nil))
		if b.Len() > 4<<20 {
			failed = errors.Join(failed, b.Commit(pebble.NoSync), b.Close())
			b = s.db.NewBatch()
		}
	}
	if len(found.messages) > 0 {
		m.floor = seqOf(found.messages[0].key) - 1
		set(keyFloor, number(m.floor))
	}
	for _, e := range found.entries {
		set(e.key, e.value)
	}
	for _, e := range found.messages {
		message, err := decodeEntry(notify.ID{}, e.value)
		if err != nil {
			return m, err
		}
		for _, room := range message.Rooms {
			set(roomKey(room, seqOf(e.key)), nil)
		}
		set(e.key, e.value)
	}
	if failed = errors.Join(failed, b.Commit(pebble.Sync)); failed != nil {
		return m, fmt.Errorf("what was kept cannot be written: %w", failed)
	}
	s.o.Log.Warn("kept what can be read of the damaged data", found.field())
	return m, nil
}
