package disklog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/kv"
)

// values has the values that expire, in buckets.
type values struct {
	mu      sync.Mutex
	buckets map[string]*bucket // guarded by mu
}

// bucket is the kv.Store of one name. The values are on disk, and the index in memory.
type bucket struct {
	s      *Store
	prefix string

	// mu is held while a change of the index is given to the store, so that both have one order. It
	// is not held during a sync.
	mu    sync.Mutex
	index *kv.Index[struct{}] // guarded by mu
}

// unlimited are the limits of a bucket until somebody opens it.
var unlimited = kv.Limits{Entries: 1 << 30, Bytes: 1 << 40}

// KV returns the kv.Store of a name, which has no slash. Its values outlive the process. All calls
// with one name return the same one.
func (s *Store) KV(name string, limits kv.Limits) kv.Store {
	b := s.bucket(name)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.delete(b.index.Limit(limits)); err != nil {
		s.o.Fatal(err)
	}
	return b
}

func (s *Store) bucket(name string) *bucket {
	s.values.mu.Lock()
	defer s.values.mu.Unlock()
	b := s.values.buckets[name]
	if b == nil {
		b = &bucket{s: s, prefix: valuePrefix + name + "/", index: kv.NewIndex[struct{}](unlimited)}
		s.values.buckets[name] = b
	}
	return b
}

// expirySize is the size of the expiry before a value: Unix time in milliseconds.
const expirySize = 8

func (b *bucket) key(key string) []byte { return []byte(b.prefix + key) }

// loadValues reads which values there are. It removes those that have expired. Damaged ones are
// dropped.
func (s *Store) loadValues(l *Log) error {
	s.values.buckets = make(map[string]*bucket)
	type found struct {
		b       *bucket
		key     string
		size    int
		expires time.Time
	}
	var all []found
	batch := s.db.NewBatch()
	defer batch.Close()
	now := s.o.Now()
	err := l.scan([]byte(valuePrefix), successor(valuePrefix), func(key, value []byte) error {
		name, rest, ok := strings.Cut(string(key[len(valuePrefix):]), "/")
		if !ok || len(value) <= expirySize {
			return errEntry
		}
		expires := time.UnixMilli(int64(binary.BigEndian.Uint64(value)))
		if !now.Before(expires) {
			return batch.Delete(key, nil)
		}
		all = append(all, found{s.bucket(name), rest, len(value), expires})
		return nil
	})
	if damaged(err) {
		s.o.Log.Error("stored answers are damaged: they are dropped, and a request that is repeated "+
			"may be carried out again", zap.Error(err))
		all = nil
		err = batch.DeleteRange([]byte(valuePrefix), successor(valuePrefix), nil)
	}
	slices.SortStableFunc(all, func(a, b found) int { return a.expires.Compare(b.expires) })
	for _, f := range all {
		f.b.index.Put(f.key, struct{}{}, f.size, f.expires)
	}
	if err != nil || batch.Empty() {
		return err
	}
	return batch.Commit(pebble.NoSync)
}

// sweepStep is how many values of a bucket one sweep removes.
const sweepStep = 4096

// sweepValues removes values that have expired.
func (s *Store) sweepValues() error {
	s.values.mu.Lock()
	buckets := make([]*bucket, 0, len(s.values.buckets))
	for _, b := range s.values.buckets {
		buckets = append(buckets, b)
	}
	s.values.mu.Unlock()
	for _, b := range buckets {
		b.mu.Lock()
		err := b.delete(b.index.Expire(s.o.Now(), sweepStep))
		b.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// stage puts a value into a batch and the index, and removes what has to go for it. The caller holds
// the lock.
func (b *bucket) stage(batch *pebble.Batch, key string, value []byte, ttl time.Duration) error {
	expires := b.s.o.Now().Add(ttl)
	stored := binary.BigEndian.AppendUint64(make([]byte, 0, expirySize+len(value)),
		uint64(expires.UnixMilli()))
	stored = append(stored, value...)
	if err := batch.Set(b.key(key), stored, nil); err != nil {
		return err
	}
	for _, old := range b.index.Put(key, struct{}{}, len(stored), expires) {
		if err := batch.Delete(b.key(old), nil); err != nil {
			return err
		}
	}
	return nil
}

// delete deletes keys that the index does not have any more. The caller holds the lock.
func (b *bucket) delete(keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	batch := b.s.db.NewBatch()
	defer batch.Close()
	for _, key := range keys {
		if err := batch.Delete(b.key(key), nil); err != nil {
			return err
		}
	}
	return batch.Commit(pebble.NoSync)
}

// read returns the value of a key, or nil. The caller holds the lock.
func (b *bucket) read(key string) ([]byte, error) {
	if _, ok := b.index.Get(key, b.s.o.Now()); !ok {
		return nil, nil
	}
	stored, closer, err := b.s.db.Get(b.key(key))
	switch {
	case errors.Is(err, pebble.ErrNotFound): // the commit with it runs
		return nil, nil
	case damaged(err):
		b.s.o.Log.Error("a stored answer is damaged: it is dropped", zap.Error(err))
		b.index.Remove(key)
		return nil, b.delete([]string{key})
	case err != nil:
		return nil, fmt.Errorf("%w: %w", notify.ErrUnavailable, err)
	}
	defer closer.Close()
	if len(stored) <= expirySize {
		return nil, nil
	}
	return slices.Clone(stored[expirySize:]), nil
}

// Get implements kv.Store.
func (b *bucket) Get(_ context.Context, key string) ([]byte, error) {
	if b.s.Log().hasEnded() {
		return nil, notify.ErrClosed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.read(key)
}

// Put implements kv.Store.
func (b *bucket) Put(_ context.Context, key string, value []byte, ttl time.Duration) error {
	return b.change(func(batch *pebble.Batch) error { return b.stage(batch, key, value, ttl) })
}

// Claim implements kv.Store.
func (b *bucket) Claim(_ context.Context, key string, value []byte, ttl time.Duration) (
	old []byte, won bool, err error,
) {
	err = b.change(func(batch *pebble.Batch) (err error) {
		if old, err = b.read(key); err != nil || old != nil {
			return err
		}
		won = true
		return b.stage(batch, key, value, ttl)
	})
	return old, won && err == nil, err
}

// Take implements kv.Store.
func (b *bucket) Take(_ context.Context, key string) (value []byte, err error) {
	err = b.change(func(batch *pebble.Batch) (err error) {
		if value, err = b.read(key); err != nil || value == nil {
			return err
		}
		b.index.Remove(key)
		return batch.Delete(b.key(key), nil)
	})
	return value, err
}

// change makes a change, and waits until it is synced. Its error wraps notify.ErrUnavailable when the
// disk is full.
func (b *bucket) change(f func(*pebble.Batch) error) error {
	l := b.s.Log()
	if err := l.room(); err != nil {
		return err
	}
	batch := b.s.db.NewBatch()
	defer batch.Close()
	b.s.state.RLock()
	b.mu.Lock()
	err := f(batch)
	empty := batch.Empty()
	if err == nil && !empty {
		if err := batch.Commit(pebble.NoSync); err != nil {
			b.s.o.Fatal(err)
		}
	}
	b.mu.Unlock()
	b.s.state.RUnlock()
	if err != nil || empty {
		return err
	}
	return l.synced()
}
