// Package sockets writes to many connections, and waits for their bytes, with few goroutines.
package sockets

import (
	"runtime"
	"sync"
)

const (
	takeAtOnce    = 16 // connections that a writer takes from the queue
	takesPerYield = 8  // about half a millisecond
)

// Writers are the goroutines that write to all connections whose sockets can be written to without
// waiting: at most as many as can run at once, and none while the queue is empty. A goroutine for
// each write would cost more than the write.
//
// A T is a connection with something to write. It is safe for concurrent use.
type Writers[T any] struct {
	write func()
	max   int // goroutines

	mu      sync.Mutex
	queue   []T // queue[first:] waits
	first   int
	running int

	yielding sync.Mutex
	yielder  yielder
}

// Turn is the state of one writer. Its zero value is ready to use.
type Turn[T any] struct {
	room  [takeAtOnce]T
	takes int
}

// NewWriters returns Writers whose goroutines call write. write must write to the connections that
// Next returns, without waiting for any of them, until Next returns none.
func NewWriters[T any](write func()) *Writers[T] {
	return &Writers[T]{write: write, max: runtime.GOMAXPROCS(0)}
}

// Add queues a connection and starts a goroutine if all others are busy.
func (w *Writers[T]) Add(t T) {
	w.mu.Lock()
	if w.first > len(w.queue)/2 && len(w.queue) == cap(w.queue) {
		n := copy(w.queue, w.queue[w.first:])
		clear(w.queue[n:])
		w.queue, w.first = w.queue[:n], 0
	}
	w.queue = append(w.queue, t)
	start := w.running < w.max
	if start {
		w.running++
	}
	w.mu.Unlock()
	if start {
		go w.write()
	}
}

// Next returns the connections that have waited longest, for this turn of a writer. If it returns
// none, the writer must end.
func (w *Writers[T]) Next(t *Turn[T]) []T {
	if t.takes++; t.takes%takesPerYield == 0 && w.yielding.TryLock() {
		w.yielder.yield()
		w.yielding.Unlock()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n := copy(t.room[:], w.queue[w.first:])
	clear(t.room[n:])
	clear(w.queue[w.first : w.first+n])
	if w.first += n; w.first == len(w.queue) {
		w.queue, w.first = w.queue[:0], 0
	}
	if n == 0 {
		w.running--
	}
	return t.room[:n]
}
