package hooks

import (
	"maps"
	"sync"
	"time"

	"github.com/roomcast/roomcast/server/metrics"
)

const (
	maxQueued      = 10_000   // events of a queue, with those of the batch that is sent
	maxQueuedBytes = 16 << 20 // their cost
	eventCost      = 80       // of an event besides its text: a place in a slice that has grown

	maxBatchEvents = 100
	maxBatchBytes  = 64 << 10 // unless one event is larger; many receivers refuse more than 100 kB
	batchDelay     = time.Second
)

// The reasons why events are dropped.
const (
	dropOverflow = "overflow" // the queue was full
	dropExpired  = "expired"  // the batch was sent again for WebhookOptions.Retry
	dropGone     = "gone"     // the receiver has answered 410
	dropStopped  = "stopped"  // the server has stopped
)

var dropReasons = []string{dropOverflow, dropExpired, dropGone, dropStopped}

// queue has the events of one receiver. When it is full, the oldest are dropped.
type queue struct {
	wake    chan struct{} // gets a value, if there is room for it, after every push
	changed chan struct{} // the same after every change, for the goroutine that saves; nil: none does

	mu        sync.Mutex
	events    []queued
	next      uint64    // number of the next event
	bytes     int       // cost of events and taken
	since     time.Time // when the first event came, or the batch before it was taken
	taken     []queued  // the batch that is sent
	takenCost int
	takenLost uint64 // that the batch reports
	lost      uint64 // dropped since a batch was taken that says so
	saved     saved
	closed    string // why it takes no more events; "" while it does

	delivered, retried uint64
	dropped            map[string]uint64 // by reason
}

// init makes an empty queue.
func (q *queue) init() {
	q.wake, q.next, q.saved = make(chan struct{}, 1), 1, saved{from: 1, next: 1}
}

// signal puts a value into a channel that has room for it.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it has a value already, or is nil
	}
}

// unlock ends a change.
func (q *queue) unlock() {
	q.mu.Unlock()
	signal(q.changed)
}

// cost returns the memory for an event: the allocator rounds its text up.
func cost(event []byte) int { return cap(event) + cap(event)/8 + eventCost }

// push adds an event and returns how many were dropped for it. It never waits.
func (q *queue) push(event []byte) (dropped int) {
	q.mu.Lock()
	defer q.unlock()
	if q.closed != "" {
		q.drop(q.closed, 1)
		return 0
	}
	if len(q.events) == 0 {
		q.since = time.Now()
	}
	q.events = append(q.events, queued{q.next, event})
	q.next++
	q.bytes += cost(event)
	for len(q.events)+len(q.taken) > maxQueued || q.bytes > maxQueuedBytes && len(q.events) > 0 {
		q.pop()
		dropped++
	}
	q.drop(dropOverflow, dropped)
	signal(q.wake)
	return dropped
}

// pop removes the oldest event.
func (q *queue) pop() queued {
	event := q.events[0]
	q.events[0] = queued{}
	q.events = q.events[1:]
	q.bytes -= cost(event.text)
	return event
}

func (q *queue) drop(reason string, n int) {
	if n == 0 {
		return
	}
	if q.dropped == nil {
		q.dropped = make(map[string]uint64)
	}
	q.dropped[reason] += uint64(n)
	q.lost += uint64(n)
}

// due returns the time until a batch is due: 0 for now, a negative time when there are no events.
func (q *queue) due() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case len(q.events) == 0:
		return -1
	case len(q.events) >= maxBatchEvents || q.bytes >= maxBatchBytes:
		return 0
	}
	return max(0, batchDelay-time.Since(q.since))
}

// take removes the events of the next batch, all of one instance. They count as queued until sent or
// giveUp. lost is how many events were dropped since the batch before.
func (q *queue) take() (events []queued, lost uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	size, instance := 0, ""
	for len(q.events) > 0 && len(events) < maxBatchEvents {
		text := q.events[0].text
		if of := instanceOf(text); len(events) == 0 {
			instance = of
		} else if of != instance || size+len(text) > maxBatchBytes {
			break
		}
		size += len(text)
		q.takenCost += cost(text)
		events = append(events, q.pop())
	}
	q.taken, q.bytes = events, q.bytes+q.takenCost
	q.takenLost, q.lost, q.since = q.lost, 0, time.Now()
	return events, q.takenLost
}

// sent ends a batch that was delivered.
func (q *queue) sent() {
	q.mu.Lock()
	defer q.unlock()
	q.delivered += uint64(len(q.taken))
	q.takenLost = 0
	q.forget()
}

// retries counts a request that is sent again.
func (q *queue) retries() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.retried++
}

// giveUp ends a batch that was not delivered. The next one reports the events that were lost before
// it, too.
func (q *queue) giveUp(reason string) (dropped int) {
	q.mu.Lock()
	defer q.unlock()
	dropped = len(q.taken)
	q.drop(reason, dropped)
	q.forget()
	return dropped
}

func (q *queue) forget() {
	q.bytes -= q.takenCost
	q.lost += q.takenLost
	q.taken, q.takenCost, q.takenLost = nil, 0, 0
}

// stop drops what is pushed later. It returns how many events the queue has.
func (q *queue) stop() (left int) {
	q.mu.Lock()
	defer q.unlock()
	if q.closed == "" {
		q.closed = dropStopped
	}
	return len(q.events) + len(q.taken)
}

// close drops everything that is queued, and what is pushed later.
func (q *queue) close(reason string) (dropped int) {
	q.mu.Lock()
	defer q.unlock()
	if q.closed == "" {
		q.closed = reason
	}
	dropped = len(q.events)
	for len(q.events) > 0 {
		q.pop()
	}
	q.events = nil
	q.drop(reason, dropped)
	return dropped
}

func (q *queue) stats() metrics.Receiver {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := metrics.Receiver{Delivered: q.delivered, Retried: q.retried,
		Queued: len(q.events) + len(q.taken), QueuedBytes: q.bytes, Dropped: make(map[string]uint64)}
	if q.changed != nil {
		s.Unsaved = len(unsavedOf(q.taken, q.saved.next)) + len(unsavedOf(q.events, q.saved.next))
	}
	for _, reason := range dropReasons {
		s.Dropped[reason] = 0
	}
	maps.Copy(s.Dropped, q.dropped)
	return s
}
