package hooks

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"go.uber.org/zap"
)

// EventStore keeps the queue of one URL for the next process. One goroutine calls its methods.
type EventStore interface {
	// Load returns the events with their numbers, in the order of these, and the number of lost
	// events that no batch has reported. It leaves out what it cannot read.
	Load() (numbers []uint64, events [][]byte, lost uint64, err error)

	// Save removes the events with numbers from the first to before the second of each pair of gone,
	// and stores events and lost. It returns after a sync. After an error the same changes come
	// again, with later ones.
	Save(gone [][2]uint64, numbers []uint64, events [][]byte, lost uint64) error
}

// queued is an event of a queue.
type queued struct {
	number uint64 // counts up
	text   []byte
}

// saved is what the store of a queue has.
type saved struct {
	from uint64 // nothing with a lower number
	next uint64 // nothing with this or a higher number
	gap  uint64 // nothing from the end of the batch that is sent to before this number
	lost uint64
}

// restore fills a new queue with what the process before this one has not delivered.
func (q *queue) restore(store EventStore) error {
	numbers, events, lost, err := store.Load()
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lost, q.saved.lost = lost, lost
	q.since = time.Now()
	for i, text := range events {
		q.events = append(q.events, queued{numbers[i], text})
		q.bytes += cost(text)
		q.next = numbers[i] + 1
	}
	q.saved.next = q.next
	return nil
}

// changes are what a store needs to be like the queue.
type changes struct {
	gone    [][2]uint64
	numbers []uint64
	events  [][]byte
	then    saved
}

// unsaved returns what has changed since the last Save.
func (q *queue) unsaved() (c changes, any bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	first := q.next
	if len(q.events) > 0 {
		first = q.events[0].number
	}
	c.then = saved{from: first, next: q.next, gap: first, lost: q.lost + q.takenLost}
	if n := len(q.taken); n > 0 {
		c.then.from = q.taken[0].number
		if end := max(q.taken[n-1].number+1, q.saved.gap); end < first {
			c.gone = append(c.gone, [2]uint64{end, first})
		}
	}
	if c.then.from > q.saved.from {
		c.gone = append(c.gone, [2]uint64{q.saved.from, c.then.from})
	}
	for _, held := range [][]queued{q.taken, q.events} {
		for _, e := range unsavedOf(held, q.saved.next) {
			c.numbers, c.events = append(c.numbers, e.number), append(c.events, e.text)
		}
	}
	return c, len(c.gone) > 0 || len(c.events) > 0 || c.then.lost != q.saved.lost
}

// unsavedOf returns the events from a number on.
func unsavedOf(held []queued, next uint64) []queued {
	begin, _ := slices.BinarySearchFunc(held, next, func(e queued, n uint64) int {
		return cmp.Compare(e.number, n)
	})
	return held[begin:]
}

// save saves the queue until the webhooks have ended. It is a goroutine of its own, so that no event
// waits for the disk.
func (r *receiver) save() {
	for {
		changed, retry := r.queue.changed, (<-chan time.Time)(nil)
		if !r.saveOnce() {
			changed, retry = nil, time.After(saveRetry)
		}
		select {
		case <-changed:
		case <-retry:
		case <-r.w.ended:
			r.saveOnce()
			return
		}
	}
}

// saveRetry is the time after which a store that was full is tried again.
const saveRetry = time.Second

func (r *receiver) saveOnce() (ok bool) {
	c, any := r.queue.unsaved()
	if !any {
		return true
	}
	if err := r.store.Save(c.gone, c.numbers, c.events, c.then.lost); err != nil {
		r.h.faults.note("webhook", r.address, failed("unsaved", "the events are not stored: %v", err))
		return false
	}
	r.queue.mu.Lock()
	defer r.queue.mu.Unlock()
	r.queue.saved = c.then
	return true
}

// keep ends a receiver whose events wait for the next process.
func (r *receiver) keep() {
	if n := r.queue.stop(); n > 0 {
		r.h.o.Log.Info("webhooks wait for the next start", zap.Int("receiver", r.number),
			zap.String("url", ShowURL(r.address)), zap.Int("events", n))
	}
}

// instanceOf returns the instance in the id of an event, which is of this process or an earlier one.
func instanceOf(event []byte) string {
	_, id, _ := bytes.Cut(event, []byte(`"id":"`+eventPrefix))
	instance, _, _ := bytes.Cut(id, []byte("_"))
	return string(instance)
}

// eventPrefix begins the id of an event. Its instance follows, and "_" with its number.
const eventPrefix = "evt_"
