package kv

import (
	"context"
	"sync"
	"time"
)

// Memory is the Store of one process. Its values end with the process. It has no goroutine: calls
// remove what has expired.
type Memory struct {
	now func() time.Time

	mu    sync.Mutex
	index *Index[[]byte] // guarded by mu
}

// NewMemory returns an empty Memory. now is the clock; nil is time.Now.
func NewMemory(limits Limits, now func() time.Time) *Memory {
	if now == nil {
		now = time.Now
	}
	return &Memory{now: now, index: NewIndex[[]byte](limits)}
}

// expireStep is how many entries a call removes because they have expired.
const expireStep = 1024

// lock returns the time, after it has removed what has expired.
func (m *Memory) lock() (now time.Time) {
	m.mu.Lock()
	now = m.now()
	m.index.Expire(now, expireStep)
	return now
}

// Get implements Store.
func (m *Memory) Get(_ context.Context, key string) ([]byte, error) {
	now := m.lock()
	defer m.mu.Unlock()
	value, _ := m.index.Get(key, now)
	return value, nil
}

// Claim implements Store.
func (m *Memory) Claim(_ context.Context, key string, value []byte, ttl time.Duration) (
	old []byte, won bool, err error,
) {
	now := m.lock()
	defer m.mu.Unlock()
	if old, ok := m.index.Get(key, now); ok {
		return old, false, nil
	}
	m.put(key, value, now.Add(ttl))
	return nil, true, nil
}

// Put implements Store.
func (m *Memory) Put(_ context.Context, key string, value []byte, ttl time.Duration) error {
	now := m.lock()
	defer m.mu.Unlock()
	m.put(key, value, now.Add(ttl))
	return nil
}

// put counts the capacity of a value, because the allocator rounds the size up: a value of 33 KiB
// takes 40 KiB.
func (m *Memory) put(key string, value []byte, expires time.Time) {
	m.index.Put(key, value, cap(value), expires)
}

// Take implements Store.
func (m *Memory) Take(_ context.Context, key string) ([]byte, error) {
	now := m.lock()
	defer m.mu.Unlock()
	value, _ := m.index.Get(key, now)
	m.index.Remove(key)
	return value, nil
}

// Size returns how many entries there are, and what they take.
func (m *Memory) Size() (entries, bytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.index.Len(), m.index.Bytes()
}
