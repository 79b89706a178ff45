// Package queue is the queue of a log in front of its writer.
package queue

import (
	"slices"
	"sync"

	"github.com/roomcast/roomcast/notify"
)

const (
	maxMessages = 4096     // that wait for the writer
	maxBytes    = 64 << 20 // and their size

	batchMessages = 256 // of one Take
)

// BatchBytes is the size of the calls that Take returns, except for a larger call.
const BatchBytes = 1 << 20

// Queue has the calls that wait for the writer, oldest first. Any goroutine may call the methods.
type Queue[C comparable] struct {
	// Filled has a value when there may be calls, or the queue is closed.
	Filled chan struct{}

	full error

	mu       sync.Mutex
	calls    []waiting[C] // guarded by mu, like those below
	messages int
	bytes    int
	closed   bool
}

type waiting[C comparable] struct {
	call            C
	messages, bytes int
}

// New returns an empty queue. full is the error of Push for a call that has no place.
func New[C comparable](full error) *Queue[C] {
	return &Queue[C]{Filled: make(chan struct{}, 1), full: full}
}

// Push adds a call, or refuses it: with notify.ErrClosed after Close.
func (q *Queue[C]) Push(call C, messages, bytes int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return notify.ErrClosed
	}
	if len(q.calls) > 0 && (q.messages+messages > maxMessages || q.bytes+bytes > maxBytes) {
		return q.full
	}
	q.calls = append(q.calls, waiting[C]{call, messages, bytes})
	q.messages += messages
	q.bytes += bytes
	q.Wake()
	return nil
}

// Wake makes Filled have a value.
func (q *Queue[C]) Wake() {
	select {
	case q.Filled <- struct{}{}:
	default:
	}
}

// Take removes the oldest calls, as many as one batch has. With none, closed says whether there will
// be no more.
func (q *Queue[C]) Take() (calls []C, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, messages, bytes := 0, 0, 0
	for _, w := range q.calls {
		if n > 0 && (messages+w.messages > batchMessages || bytes+w.bytes > BatchBytes) {
			break
		}
		calls = append(calls, w.call)
		messages += w.messages
		bytes += w.bytes
		n++
	}
	q.calls = slices.Delete(q.calls, 0, n)
	q.messages -= messages
	q.bytes -= bytes
	return calls, q.closed
}

// Withdraw removes a call that still waits, and reports whether it did.
func (q *Queue[C]) Withdraw(call C) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.IndexFunc(q.calls, func(w waiting[C]) bool { return w.call == call })
	if i < 0 {
		return false
	}
	q.messages -= q.calls[i].messages
	q.bytes -= q.calls[i].bytes
	q.calls = slices.Delete(q.calls, i, i+1)
	return true
}

// Close refuses further calls. It reports whether the queue was open.
func (q *Queue[C]) Close() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	open := !q.closed
	q.closed = true
	q.Wake()
	return open
}
