// Package sockets writes to many connections, and waits for their bytes, with few goroutines.
package sockets

import (
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	takeAtOnce    = 16 // connections that a writer takes
	takesPerYield = 8  // about half a millisecond
)

// The lanes of connections that wait for a writer: those of messages to up to 64 connections, to up
// to 1,024, and to more. A writer begins every second turn with the first lane, and the other turns
// with the second and the third one alternately. So a connection with a message for few waits behind
// others of its kind, not behind thousands with a message for all, and each lane has its share.
const lanes = 3

// turns are the lanes with which a writer begins its turns.
var turns = [...]int32{1, 2, 1, 3}

// laneOf returns the lane of a message to this number of connections.
func laneOf(audience int) int32 {
	switch {
	case audience <= 64:
		return 1
	case audience <= 1024:
		return 2
	}
	return lanes
}

// Place is where a connection waits for a writer. It is a field of the connection; its zero value
// is ready to use. A connection waits in one lane, at one place.
type Place[T any] struct {
	conn       T
	prev, next *Place[T]

	// Writers.mu guards changes. 1 is the first lane.
	lane atomic.Int32 // 0: it does not wait
	then atomic.Int32 // its lane after the present write; 0: none
}

// Advances reports whether a message to this number of connections makes the connection wait in an
// earlier lane: then Advance must be called. It takes no lock.
func (p *Place[T]) Advances(audience int) bool {
	lane := p.lane.Load()
	if lane == 0 {
		lane = p.then.Load()
	}
	return lane == 0 || laneOf(audience) < lane
}

// Writers are the goroutines that write to all connections whose sockets can be written to without
// waiting: at most as many as can run at once, and none while no connection waits. A goroutine for
// each write would cost more than the write.
//
// A T is a connection with something to write. It is safe for concurrent use.
type Writers[T any] struct {
	write func()
	max   int // goroutines

	mu      sync.Mutex
	lanes   [lanes]lane[T]
	running int

	yielding sync.Mutex
	yielder  yielder
}

// lane is a list of connections, in the order in which they came.
type lane[T any] struct{ first, last *Place[T] }

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

// Add makes a connection wait at p for a writer, because of a message to audience connections. It
// starts a goroutine if all others are busy. Only one goroutine at a time may call Add or Again for
// a connection, and not while the connection waits.
func (w *Writers[T]) Add(t T, p *Place[T], audience int) { w.add(t, p, laneOf(audience)) }

// Again is Add for a connection that was written to and has more: because of the messages for which
// Advance was called meanwhile, or else because it has more than it may write at once. The latter
// waits in the last lane.
func (w *Writers[T]) Again(t T, p *Place[T]) { w.add(t, p, lanes) }

func (w *Writers[T]) add(t T, p *Place[T], lane int32) {
	w.mu.Lock()
	if then := p.then.Load(); then > 0 {
		lane = min(lane, then)
	}
	p.conn = t
	w.append(p, lane)
	start := w.running < w.max
	if start {
		w.running++
	}
	w.mu.Unlock()
	if start {
		go w.write()
	}
}

// Advance makes a connection wait in the lane of a message to audience connections, if that is
// earlier than its own: now, or after the present write. It may be called at any time.
func (w *Writers[T]) Advance(p *Place[T], audience int) {
	if !p.Advances(audience) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !p.Advances(audience): // any more
	case p.lane.Load() > 0:
		w.remove(p)
		w.append(p, laneOf(audience))
	default:
		p.then.Store(laneOf(audience))
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
	n := w.take(t.room[:], turns[t.takes%len(turns)])
	for i := range int32(lanes) {
		n += w.take(t.room[n:], i+1)
	}
	clear(t.room[n:])
	if n == 0 {
		w.running--
	}
	return t.room[:n]
}

// take moves the first connections of a lane into room.
func (w *Writers[T]) take(room []T, lane int32) (n int) {
	for l := &w.lanes[lane-1]; n < len(room) && l.first != nil; n++ {
		p := l.first
		room[n] = p.conn
		w.remove(p)
	}
	return n
}

func (w *Writers[T]) append(p *Place[T], lane int32) {
	l := &w.lanes[lane-1]
	if p.prev = l.last; p.prev != nil {
		p.prev.next = p
	} else {
		l.first = p
	}
	l.last = p
	p.lane.Store(lane)
	p.then.Store(0)
}

func (w *Writers[T]) remove(p *Place[T]) {
	l := &w.lanes[p.lane.Load()-1]
	if p.prev != nil {
		p.prev.next = p.next
	} else {
		l.first = p.next
	}
	if p.next != nil {
		p.next.prev = p.prev
	} else {
		l.last = p.prev
	}
	p.prev, p.next = nil, nil
	p.lane.Store(0)
}
