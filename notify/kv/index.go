package kv

import (
	"container/list"
	"time"
)

// Overhead is the memory of an entry without its key and value: the entry (88 bytes), the list
// element (48), the slot of the map (48 to 130: the map grows by doubling, and deleted entries leave
// gaps in it), and what the allocator rounds up. TestMemoryHeap measures it.
const Overhead = 240

// Index knows what a Store has, and which entries have to go. V is what an implementation remembers
// of a value. Its methods need a lock of the caller.
type Index[V any] struct {
	limits Limits
	byKey  map[string]*list.Element
	order  list.List // of *entry[V]; the oldest is the first
	bytes  int
}

type entry[V any] struct {
	key     string
	value   V
	size    int
	expires time.Time
}

// NewIndex returns an empty Index.
func NewIndex[V any](limits Limits) *Index[V] {
	return &Index[V]{limits: limits, byKey: make(map[string]*list.Element)}
}

// Len returns the number of entries.
func (x *Index[V]) Len() int { return len(x.byKey) }

// Bytes returns what the entries take.
func (x *Index[V]) Bytes() int { return x.bytes }

// Get returns the value of a key that has not expired.
func (x *Index[V]) Get(key string, now time.Time) (value V, ok bool) {
	e, ok := x.byKey[key]
	if !ok || !now.Before(e.Value.(*entry[V]).expires) {
		return value, false
	}
	return e.Value.(*entry[V]).value, true
}

// Put adds an entry of a size, in place of the one of the same key. It returns the keys that had to
// go for it, which can include its own.
func (x *Index[V]) Put(key string, value V, size int, expires time.Time) (removed []string) {
	x.Remove(key)
	added := &entry[V]{key, value, size + len(key) + Overhead, expires}
	x.byKey[key] = x.order.PushBack(added)
	x.bytes += added.size
	return x.excess()
}

// Limit changes the limits. It returns the keys that had to go.
func (x *Index[V]) Limit(to Limits) (removed []string) {
	x.limits = to
	return x.excess()
}

func (x *Index[V]) excess() (removed []string) {
	for x.Len() > 0 && (x.Len() > x.limits.Entries || x.bytes > x.limits.Bytes) {
		removed = append(removed, x.removeFirst())
	}
	return removed
}

// Expire removes at most a number of the oldest entries, those that have expired, and returns their
// keys. An entry waits for older ones that have more time.
func (x *Index[V]) Expire(now time.Time, most int) (removed []string) {
	for len(removed) < most {
		first := x.order.Front()
		if first == nil || now.Before(first.Value.(*entry[V]).expires) {
			break
		}
		removed = append(removed, x.removeFirst())
	}
	return removed
}

// Remove removes the entry of a key, if there is one.
func (x *Index[V]) Remove(key string) {
	if e, ok := x.byKey[key]; ok {
		x.bytes -= x.order.Remove(e).(*entry[V]).size
		delete(x.byKey, key)
	}
}

func (x *Index[V]) removeFirst() (key string) {
	key = x.order.Front().Value.(*entry[V]).key
	x.Remove(key)
	return key
}
