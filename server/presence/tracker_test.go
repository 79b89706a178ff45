package presence

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/server/servertest"
)

// kept returns the number of keys in memory.
func (t *Tracker) kept() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.keys)
}

// Whatever comes and goes within the delay, the changes of a key alternate, begin with present, end
// with the truth, and a key is reported as absent only after it was away for the whole delay.
func TestTracker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(servertest.Bubble{T: t}, func(t *rapid.T) {
			const delay = 5 * time.Second
			count := map[string]int{}
			left := map[string]time.Time{}
			reported := map[string]bool{}
			tracker := NewTracker(delay,
				func(key string) bool { return count[key] > 0 },
				func(c Change) {
					if reported[c.Key] == c.Present {
						t.Errorf("%s is reported as %v twice", c.Key, c.Present)
					}
					reported[c.Key] = c.Present
					if away := time.Since(c.Since); !c.Present &&
						(away != delay || !c.Since.Equal(left[c.Key])) {
						t.Errorf("%s is absent after %v, since %v", c.Key, away, c.Since)
					}
				})
			defer tracker.Stop()
			for range rapid.IntRange(1, 60).Draw(t, "steps") {
				key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key")
				if count[key] > 0 && rapid.Bool().Draw(t, "down") {
					if count[key]--; count[key] == 0 {
						left[key] = time.Now()
					}
				} else {
					count[key]++
				}
				tracker.Update(key, key)
				if rapid.IntRange(0, 2).Draw(t, "waits") == 0 {
					time.Sleep(time.Duration(rapid.IntRange(1, 7000).Draw(t, "ms")) * time.Millisecond)
					synctest.Wait()
				}
			}
			time.Sleep(delay)
			synctest.Wait()
			for key, n := range count {
				if reported[key] != (n > 0) {
					t.Fatalf("%s is reported as %v, with %d connections", key, reported[key], n)
				}
			}
			if tracker.kept() > len(count) {
				t.Fatalf("%d keys are kept", tracker.kept())
			}
		})
	})
}

// A storm of keys that come and leave keeps a bounded number of them, and reports each twice.
func TestTrackerOfAStorm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most, keys = 1000, 5000
		here := ""
		var online, offline atomic.Int32
		tracker := NewTracker(5*time.Second, func(key string) bool { return key == here },
			func(c Change) {
				if c.Present {
					online.Add(1)
				} else {
					offline.Add(1)
				}
			})
		tracker.most = most
		defer tracker.Stop()
		for i := range keys {
			key := fmt.Sprint("u", i)
			here = key
			tracker.Update(key, "")
			here = ""
			tracker.Update(key, "")
		}
		if online.Load() != keys || offline.Load() != keys-most ||
			tracker.kept() != most {
			t.Errorf("%d online, %d offline, %d kept", online.Load(), offline.Load(),
				tracker.kept())
		}
		time.Sleep(5*time.Second + most/burst*pause)
		synctest.Wait()
		if offline.Load() != keys || tracker.kept() != 0 {
			t.Errorf("%d offline, %d kept in the end", offline.Load(), tracker.kept())
		}
	})
}

// What other nodes tell at once is reported in bursts with pauses, and changes back before its turn
// are not reported.
func TestTrackerOfOtherNodes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var here sync.Map // of those that are online; the Tracker looks while the test adds more
		here.Store("known", true)
		isHere := func(key string) bool { _, ok := here.Load(key); return ok }
		var times []time.Time
		tracker := NewTracker(5*time.Second, isHere,
			func(Change) { times = append(times, time.Now()) })
		defer tracker.Stop()
		tracker.Watch("known", "", true)
		tracker.Watch("gone before", "", true)
		const keys = 10 * burst
		for i := range keys {
			key := fmt.Sprint("u", i)
			here.Store(key, true)
			tracker.Watch(key, "", false)
		}
		tracker.Watch("gone again", "", false)
		start := time.Now()
		for _, end := range []time.Duration{0, 5 * time.Second} {
			time.Sleep(end + (keys/burst+2)*pause)
			synctest.Wait()
			if len(times) != keys {
				t.Fatalf("%d changes", len(times))
			}
			at := make(map[time.Duration]int)
			for _, told := range times {
				at[told.Sub(start)]++
			}
			// The first burst can be smaller: the Tracker may look before the test has added all.
			for after, n := range at {
				if n > burst || after < end || after%pause != 0 {
					t.Fatalf("%d changes after %v: %v", n, after, at)
				}
			}
			if end > 0 {
				break
			}
			times, start = nil, time.Now()
			for i := range keys { // the node is killed
				here.Delete(fmt.Sprint("u", i))
				tracker.Watch(fmt.Sprint("u", i), "", false)
			}
			tracker.Watch("u0", "", false)
		}
		if tracker.kept() != 1 {
			t.Errorf("%d keys are kept", tracker.kept())
		}
	})
}
