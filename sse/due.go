package sse

import (
	"container/heap"
	"math"
	"time"
)

const (
	never = math.MaxInt64 // no time
	// wakeGap is the least time between two wakes by the timer. Streams that are due within it
	// share a wake.
	wakeGap = 5 * time.Millisecond
)

// instant is a time on two clocks, in nanoseconds: mono counts from the start of the Handler and
// never jumps; wall counts from 1970, like the expiry of tokens.
type instant struct{ mono, wall int64 }

func (h *Handler) now() instant { return h.at(time.Now()) }

func (h *Handler) at(t time.Time) instant { return instant{int64(t.Sub(h.start)), t.UnixNano()} }

// after returns when an action with the interval d is due again; a d of 0 means never.
func (i instant) after(d time.Duration) int64 {
	if d <= 0 {
		return never
	}
	return i.mono + int64(d)
}

func wallTime(nanos int64) time.Time { return time.Unix(0, nanos) }

// dueQueue wakes streams at a time: for a heartbeat, a sync or the end of a token. One timer serves
// all streams, so that an idle stream needs neither a timer nor a goroutine. Handler.mu guards the
// queue.
type dueQueue struct {
	streams []*stream // all running streams: a heap by due
	timer   *time.Timer
	at      int64 // when the timer fires; never: it is stopped
	notYet  int64 // the timer does not fire before this time
}

func (q *dueQueue) Len() int           { return len(q.streams) }
func (q *dueQueue) Less(i, k int) bool { return q.streams[i].due.Load() < q.streams[k].due.Load() }

func (q *dueQueue) Swap(i, k int) {
	q.streams[i], q.streams[k] = q.streams[k], q.streams[i]
	q.streams[i].place, q.streams[k].place = i, k
}

// Push and Pop are for package heap.
func (q *dueQueue) Push(s any) {
	s.(*stream).place = len(q.streams)
	q.streams = append(q.streams, s.(*stream))
}

func (q *dueQueue) Pop() any {
	last := len(q.streams) - 1
	s := q.streams[last]
	q.streams[last] = nil
	q.streams = q.streams[:last]
	s.place = -1
	return s
}

// schedule makes the timer wake s at due, unless it wakes s earlier.
func (h *Handler) schedule(s *stream, due int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.place < 0 || due >= s.due.Load() {
		return
	}
	s.due.Store(due)
	heap.Fix(&h.due, s.place)
	h.setTimer()
}

// setTimer sets the timer for the first stream. The caller holds mu.
func (h *Handler) setTimer() {
	q := &h.due
	if len(q.streams) == 0 {
		if q.timer != nil {
			q.timer.Stop()
		}
		q.at = never
		return
	}
	due := max(q.streams[0].due.Load(), q.notYet)
	if due >= q.at {
		return
	}
	q.at = due
	wait := time.Duration(due - h.now().mono)
	if q.timer == nil {
		q.timer = time.AfterFunc(wait, h.wakeDue)
		return
	}
	q.timer.Reset(wait)
}

// wakeDue wakes the streams that are due. The writer of each stream schedules it again.
func (h *Handler) wakeDue() {
	for _, s := range h.takeDue() {
		s.wake()
	}
}

// takeDue removes the streams that are due from the queue and returns them.
func (h *Handler) takeDue() (due []*stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now, q := h.now().mono, &h.due
	for len(q.streams) > 0 && q.streams[0].due.Load() <= now {
		s := q.streams[0]
		s.due.Store(never)
		heap.Fix(q, 0)
		due = append(due, s)
	}
	q.at, q.notYet = never, now+int64(wakeGap)
	h.setTimer()
	return due
}
