package hooks

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
)

const (
	firstBackoff  = time.Second // of a batch, about; doubled with every attempt
	maxBackoff    = time.Minute
	maxRetryAfter = time.Hour // of a Retry-After

	// The body of a response has no meaning. It is read, so that the connection can be used again,
	// but not if it is large or slow.
	maxResponse     = 64 << 10
	responseTimeout = time.Second
)

// receiver sends the events of one URL: one batch at a time, so that all of them are in order. A
// batch that fails delays the later ones. Receivers know nothing of each other.
type receiver struct {
	h       *Hooks
	w       *Webhooks
	address string
	number  int // in the settings, from 1
	queue   queue
	store   EventStore // nil: the queue ends with the process

	mu     sync.Mutex
	logged time.Time // of the last line about events that were dropped
	silent int       // events that were dropped since then
}

// batch is what one request has. It stays the same in every attempt.
type batch struct {
	id   string
	body []byte
}

// push queues an event.
func (r *receiver) push(event []byte) {
	if n := r.queue.push(event); n > 0 {
		r.noteDropped(dropOverflow, n)
	}
}

// noteDropped logs that events were dropped, at most once a minute.
func (r *receiver) noteDropped(reason string, n int) {
	r.mu.Lock()
	r.silent += n
	now := time.Now()
	if !r.logged.IsZero() && now.Sub(r.logged) < faultInterval {
		r.mu.Unlock()
		return
	}
	n, r.silent, r.logged = r.silent, 0, now
	r.mu.Unlock()
	r.warn("webhooks dropped", zap.String("reason", reason), zap.Int("events", n))
}

func (r *receiver) warn(message string, fields ...zap.Field) {
	r.h.o.Log.Warn(message, append([]zap.Field{zap.Int("receiver", r.number),
		zap.String("url", ShowURL(r.address))}, fields...)...)
}

// run sends batches until the receiver is gone, the webhooks end, or they drain and the queue is
// empty.
func (r *receiver) run() {
	for r.waitForBatch() {
		if !r.deliver(r.nextBatch()) {
			return
		}
	}
}

// waitForBatch waits until a batch is due. It returns false when none will be.
func (r *receiver) waitForBatch() bool {
	for {
		draining := isClosed(r.w.draining)
		due := r.queue.due()
		switch {
		case due < 0 && draining, r.w.ctx.Err() != nil:
			return false
		case due == 0, due > 0 && draining:
			return true
		}
		r.waitForWork(due)
	}
}

// waitForWork waits until a batch is due, an event was queued, or the webhooks begin to end.
func (r *receiver) waitForWork(due time.Duration) {
	var timer <-chan time.Time // nil: there are no events
	if due > 0 {
		t := time.NewTimer(due)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-timer:
	case <-r.queue.wake:
	case <-r.w.draining:
	case <-r.w.ctx.Done():
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// nextBatch takes a batch from the queue.
func (r *receiver) nextBatch() batch {
	events, lost := r.queue.take()
	size := 256
	list := []byte{'['}
	for i, event := range events {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, event.text...)
	}
	size += len(list)
	id := newID()
	data := newObject(size).text("instance", instanceOf(events[0].text)).number("dropped", int64(lost)).
		raw("events", append(list, ']')).end()
	body := newObject(len(data)+128).text("type", "batch").text("id", id).
		text("timestamp", notify.Timestamp(time.Now())).raw("data", data).end()
	return batch{id, body}
}

// deliver sends a batch until it is delivered or its time is over. It returns false when the
// receiver ends: what it has not sent is in the queue, or counts as taken from it.
func (r *receiver) deliver(b batch) (more bool) {
	start := time.Now()
	hurried := isClosed(r.w.draining)
	for attempt := 0; ; attempt++ {
		if attempt > 0 {
			r.queue.retries()
		}
		failure := r.attempt(b)
		left := r.h.o.Webhooks.Retry - time.Since(start)
		switch {
		case failure == nil:
			r.queue.sent()
			return true
		case failure.status == http.StatusGone:
			r.gone()
			return false
		case r.w.ctx.Err() != nil:
			return false
		case left <= 0:
			r.noteDropped(dropExpired, r.queue.giveUp(dropExpired))
			return true
		}
		wait := min(max(backoff(attempt), min(failure.retryAfter, maxRetryAfter)), left)
		if !r.sleep(wait, &hurried) {
			return false
		}
	}
}

// gone ends a receiver that wants no more events.
func (r *receiver) gone() {
	dropped := r.queue.giveUp(dropGone) + r.queue.close(dropGone)
	r.warn("webhooks ended: the receiver has answered 410 Gone and gets no more until the server "+
		"is started again", zap.Int("dropped", dropped))
}

// finish counts what the receiver has not sent when the server stops. With a store it stays there.
func (r *receiver) finish() {
	if r.store != nil {
		r.keep()
		return
	}
	if n := r.queue.giveUp(dropStopped) + r.queue.close(dropStopped); n > 0 {
		r.warn("webhooks dropped", zap.String("reason", dropStopped), zap.Int("events", n))
	}
}

// backoff returns the time before the next attempt: half of it is random, so that receivers that
// failed together are not asked together.
func backoff(attempt int) time.Duration {
	d := maxBackoff
	if attempt < 6 {
		d = firstBackoff << attempt
	}
	return d/2 + rand.N(d/2)
}

// sleep waits, and returns false when the webhooks end meanwhile. When the server begins to stop,
// the first wait ends at once: there may be no other time to send the batch.
func (r *receiver) sleep(d time.Duration, hurried *bool) bool {
	var draining <-chan struct{}
	if !*hurried {
		draining = r.w.draining
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-draining:
		*hurried = true
	case <-r.w.ctx.Done():
		return false
	}
	return true
}

// attemptFailure is why an attempt failed.
type attemptFailure struct {
	status     int // 0 without a response
	retryAfter time.Duration
}

// attempt sends a batch once. It returns nil for a response with a status of 2xx.
func (r *receiver) attempt(b batch) *attemptFailure {
	start := time.Now()
	ctx, cancel := context.WithTimeout(r.w.ctx, r.h.o.Webhooks.Timeout)
	defer cancel()
	response, err := r.w.sender.do(ctx, "webhook", r.address, b.id, b.body)
	var result *attemptFailure
	if err == nil {
		defer response.Body.Close()
		defer time.AfterFunc(responseTimeout, cancel).Stop()
		_, _ = io.CopyN(io.Discard, response.Body, maxResponse)
		if response.StatusCode < 200 || response.StatusCode > 299 {
			err = failed("status", "the answer has the status %d", response.StatusCode)
			result = &attemptFailure{response.StatusCode,
				retryAfter(response.Header.Get("Retry-After"), time.Now())}
		}
	} else {
		result = &attemptFailure{}
	}
	outcome := "ok"
	var failure *Failure
	if errors.As(err, &failure) {
		if outcome = failure.Outcome; r.w.ctx.Err() != nil {
			outcome = "stopped"
		} else {
			r.h.faults.note("webhook", r.address, failure)
		}
	}
	r.h.o.Metrics.Hooked("webhook", outcome, time.Since(start))
	return result
}

// retryAfter reads a Retry-After: seconds or a date. Anything else is 0.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}
