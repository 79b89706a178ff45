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
	eventCost      = 64       // of an event besides its text: a place in a slice that has grown

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

// queue has the events of one receiver, in memory. When it is full, the oldest are dropped. The
// zero queue with wake is ready to use.
type queue struct {
	wake chan struct{} // gets a value, if there is room for it, after every push

	mu         sync.Mutex
	events     [][]byte
	bytes      int       // cost of events and taken
	since      time.Time // when the first event came, or the batch before it was taken
	taken      int       // events of the batch that is sent
	takenBytes int
	lost       uint64 // dropped since a batch was taken that says so
	closed     string // why it takes no more events; "" while it does

	delivered, retried uint64
	dropped            map[string]uint64 // by reason
}

// cost returns the memory for an event: the allocator rounds its text up.
func cost(event []byte) int { return cap(event) + cap(event)/8 + eventCost }

// push adds an event and returns how many were dropped for it. It never waits.
func (q *queue) push(event []byte) (dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed != "" {
		q.drop(q.closed, 1)
		return 0
	}
	if len(q.events) == 0 {
		q.since = time.Now()
	}
	q.events = append(q.events, event)
	q.bytes += cost(event)
	for len(q.events)+q.taken > maxQueued || q.bytes > maxQueuedBytes && len(q.events) > 0 {
		q.pop()
		dropped++
	}
	q.drop(dropOverflow, dropped)
	select {
	case q.wake <- struct{}{}:
	default: // it has a value already
	}
	return dropped
}

// pop removes the oldest event.
func (q *queue) pop() []byte {
	event := q.events[0]
	q.events[0] = nil
	q.events = q.events[1:]
	q.bytes -= cost(event)
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

// take removes the events of the next batch. They count as queued until sent or giveUp. lost is how
// many events were dropped since the batch before.
func (q *queue) take() (events [][]byte, lost uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	size := 0
	for len(q.events) > 0 && len(events) < maxBatchEvents &&
		(size == 0 || size+len(q.events[0]) <= maxBatchBytes) {
		size += len(q.events[0])
		q.takenBytes += cost(q.events[0])
		events = append(events, q.pop())
	}
	q.taken, q.bytes = len(events), q.bytes+q.takenBytes
	lost, q.lost, q.since = q.lost, 0, time.Now()
	return events, lost
}

// sent ends a batch that was delivered.
func (q *queue) sent() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.delivered += uint64(q.taken)
	q.forget()
}

// retries counts a request that is sent again.
func (q *queue) retries() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.retried++
}

// giveUp ends a batch that was not delivered, and that said that lost events were dropped.
func (q *queue) giveUp(reason string, lost uint64) (dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	dropped = q.taken
	q.drop(reason, dropped)
	q.lost += lost
	q.forget()
	return dropped
}

func (q *queue) forget() {
	q.bytes -= q.takenBytes
	q.taken, q.takenBytes = 0, 0
}

// close drops everything that is queued, and what is pushed later.
func (q *queue) close(reason string) (dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
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
		Queued: len(q.events) + q.taken, QueuedBytes: q.bytes, Dropped: make(map[string]uint64)}
	for _, reason := range dropReasons {
		s.Dropped[reason] = 0
	}
	maps.Copy(s.Dropped, q.dropped)
	return s
}
