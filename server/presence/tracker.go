package presence

import (
	"container/list"
	"sync"
	"time"
)

// maxLeaving is how many absent keys a Tracker keeps until their delay is over. Above it the delay
// of the oldest ends early, so that clients that come and go quickly take a bounded memory.
const maxLeaving = 100_000

// The changes of many keys at once come in bursts with pauses between them, at most 6,400 a second:
// the observers of a change send a volatile message, and a member's inbox has 64 places.
const (
	burst = 32
	pause = 5 * time.Millisecond
)

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
	others  []arrival           // changes of other nodes, to look at
	look    *time.Timer         // for others; nil without one
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

type arrival struct{ key, label string }

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
	for _, timer := range []*time.Timer{t.timer, t.look} {
		if timer != nil {
			timer.Stop()
		}
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

// Watch is Know or, soon, Update, for what other nodes have: they tell of many keys at once.
func (t *Tracker) Watch(key, label string, known bool) {
	if known {
		t.Know(key, label)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.others = append(t.others, arrival{key, label})
	if len(t.others) > t.most {
		t.lookAt(1)
	}
	if t.look == nil && !t.stopped {
		t.look = time.AfterFunc(0, t.lookOn)
	}
}

// lookOn looks at a burst of what other nodes have told, and at the next one after a pause.
func (t *Tracker) lookOn() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.look = nil
	if len(t.others) == 0 || t.stopped {
		t.others = nil
		return
	}
	t.lookAt(burst)
	t.look = time.AfterFunc(pause, t.lookOn)
}

// lookAt looks at the first n. The caller holds the lock.
func (t *Tracker) lookAt(n int) {
	n = min(n, len(t.others))
	for _, a := range t.others[:n] {
		t.update(a.key, a.label)
	}
	t.others = t.others[n:]
}

// Update must be called after a key has become present or absent. Calls may come in any order,
// because Update reads the current state itself. The label belongs to the key until it is absent.
func (t *Tracker) Update(key, label string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.update(key, label)
}

func (t *Tracker) update(key, label string) {
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
	n := 0
	for first := t.leaving.Front(); first != nil && !t.stopped; first = t.leaving.Front() {
		wait := t.delay - time.Since(first.Value.(*tracked).left)
		if n == burst {
			wait = max(wait, pause)
		}
		if wait > 0 {
			t.timer = time.AfterFunc(wait, t.expire)
			return
		}
		t.leave(first)
		n++
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
