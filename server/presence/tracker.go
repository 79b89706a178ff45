package presence

import (
	"container/list"
	"sync"
	"time"
)

// maxLeaving is how many absent keys a Tracker keeps until their delay is over. Above it the delay
// of the oldest ends early, so that clients that come and go quickly take a bounded memory.
const maxLeaving = 100_000

// Tracker turns what comes and goes into changes that alternate. A key is present at once, and
// absent only after it was away for a delay, so that a client that reconnects changes nothing. Any
// goroutine may call its methods.
type Tracker struct {
	delay   time.Duration
	most    int // keys of leaving
	present func(key string) bool
	changed func(Change)

	mu      sync.Mutex
	keys    map[string]*tracked // reported as present; some may have left within the delay
	leaving list.List           // of *tracked, in the order of their end
	timer   *time.Timer         // for the first of leaving; nil without one
	stopped bool
}

// Change is a change of a Tracker.
type Change struct {
	Key, Label string // as in the call of Update with which the key became present
	Present    bool
	Since      time.Time // of an absent key: when it left; of a present one: now
}

type tracked struct {
	key, label string
	left       time.Time
	place      *list.Element // in leaving; nil while it is present
}

// NewTracker returns a Tracker without keys. present reports whether a key is present now. The
// Tracker calls changed for every change, one at a time; it must not block or call the Tracker.
func NewTracker(
	delay time.Duration, present func(key string) bool, changed func(Change),
) *Tracker {
	return &Tracker{delay: delay, most: maxLeaving, present: present, changed: changed,
		keys: make(map[string]*tracked)}
}

// Stop ends the changes.
func (t *Tracker) Stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	if t.timer != nil {
		t.timer.Stop()
	}
}

// Know makes a key present without a change, unless it is not: one that was present before.
func (t *Tracker) Know(key, label string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.keys[key] == nil && t.present(key) {
		t.keys[key] = &tracked{key: key, label: label}
	}
}

// Watch is Know or Update, for what other nodes have.
func (t *Tracker) Watch(key, label string, known bool) {
	if known {
		t.Know(key, label)
		return
	}
	t.Update(key, label)
}

// Update must be called after a key has become present or absent. Calls may come in any order,
// because Update reads the current state itself. The label belongs to the key until it is absent.
func (t *Tracker) Update(key, label string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, here := t.keys[key], t.present(key)
	switch {
	case t.stopped:
	case k == nil && here:
		t.keys[key] = &tracked{key: key, label: label}
		t.changed(Change{key, label, true, time.Now()})
	case k == nil: // it came and left before this call
	case here && k.place != nil:
		t.leaving.Remove(k.place)
		k.place = nil
	case !here && k.place == nil:
		k.left = time.Now()
		k.place = t.leaving.PushBack(k)
		if t.leaving.Len() > t.most {
			t.leave(t.leaving.Front())
		}
		if t.timer == nil {
			t.timer = time.AfterFunc(t.delay, t.expire)
		}
	}
}

// expire reports the keys that have been away for the delay.
func (t *Tracker) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer = nil
	for first := t.leaving.Front(); first != nil && !t.stopped; first = t.leaving.Front() {
		if wait := t.delay - time.Since(first.Value.(*tracked).left); wait > 0 {
			t.timer = time.AfterFunc(wait, t.expire)
			return
		}
		t.leave(first)
	}
}

// leave reports that a key of leaving is absent, unless it is back.
func (t *Tracker) leave(place *list.Element) {
	k := t.leaving.Remove(place).(*tracked)
	k.place = nil
	if t.present(k.key) {
		return // its update waits for the lock
	}
	delete(t.keys, k.key)
	t.changed(Change{k.key, k.label, false, k.left})
}
