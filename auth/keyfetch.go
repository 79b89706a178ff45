package auth

import (
	"strings"
	"time"
)

// maxUnknown is how many kids without a key a KeySet remembers.
const maxUnknown = 1000

// fetch is a running fetch of a key set. done is closed at its end.
type fetch struct {
	number int
	failed int64 // fetches that had failed before it
	done   chan struct{}
	ok     bool // the set was fetched; valid after done
}

// refresh fetches the set once for all callers that wait for it, if a token may do so now. It
// returns nil if the set is known not to have the key: a fetch that began after a token had first
// named the key has not brought it. Otherwise it returns [ErrKeySetUnavailable], with the time
// after which another attempt may fetch.
func (k *KeySet) refresh(kid string) error {
	k.mu.Lock()
	before := k.note(kid)
	if k.running == nil && !k.limit.Allow() {
		defer k.mu.Unlock()
		return k.verdict(before)
	}
	f, mine := k.begin()
	k.mu.Unlock()
	if mine {
		k.run(f, kid)
	}
	<-f.done // within keySetTimeout
	if !f.ok {
		return ErrKeySetUnavailable
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.verdict(before)
}

// verdict returns nil if a fetch after the first number of them succeeded. The caller holds the
// lock.
func (k *KeySet) verdict(before int) error {
	if before < k.fetched {
		return nil
	}
	next := k.limit.Reserve()
	defer next.Cancel()
	e := *ErrKeySetUnavailable
	e.RetryAfter = max(next.Delay(), time.Second)
	return &e
}

// note returns how many fetches had started when a token first named a kid, and remembers it while
// there is room. The caller holds the lock.
func (k *KeySet) note(kid string) (before int) {
	if before, ok := k.unknown[kid]; ok {
		return before
	}
	for other, before := range k.unknown {
		if len(k.unknown) < maxUnknown {
			break
		}
		if before < k.fetched {
			delete(k.unknown, other)
		}
	}
	if len(k.unknown) < maxUnknown {
		k.unknown[strings.Clone(kid)] = k.started
	}
	return k.started
}

// begin returns the running fetch, or a new one, which is the caller's to run. The caller holds the
// lock, also while it decides that there may be a fetch: no other token can come between.
func (k *KeySet) begin() (f *fetch, mine bool) {
	if k.running != nil {
		return k.running, false
	}
	for _, key := range k.keys() { // which the fetch may withdraw
		k.note(key.Marshal().KID)
	}
	k.started++
	k.running = &fetch{number: k.started, failed: k.failed.Load(), done: make(chan struct{})}
	return k.running, true
}

// run fetches the set. It does not depend on the first caller's context: it continues when that
// client disconnects.
func (k *KeySet) run(f *fetch, kid string) {
	_, _ = k.remote.KeyRead(k.ctx, kid) // fetches an unknown key; failures are counted
	k.mu.Lock()
	defer k.mu.Unlock()
	f.ok = k.failed.Load() == f.failed
	if f.ok {
		k.fetched = f.number
	}
	k.running = nil
	close(f.done)
}

// keepReady fetches while there are no keys, at the start and when the provider has withdrawn all of
// them, without a token that asks for one: a server without keys is not ready, so it may get no
// clients. It ends at Close.
func (k *KeySet) keepReady() {
	for wait := time.Second; ; {
		select {
		case <-k.ctx.Done():
			return
		case <-time.After(wait):
		}
		if k.Ready() {
			wait = time.Second
			continue
		}
		k.mu.Lock()
		f, mine := k.begin()
		k.mu.Unlock()
		if mine {
			k.run(f, "")
		}
		<-f.done
		wait = min(2*wait, keySetRetry)
	}
}
