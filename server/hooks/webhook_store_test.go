package hooks

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"pgregory.net/rapid"
)

// memoryStore is an EventStore in memory.
type memoryStore struct {
	mu     sync.Mutex
	events map[uint64][]byte
	lost   uint64
	fail   error // of Save
}

func (s *memoryStore) Load() (numbers []uint64, events [][]byte, lost uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range slices.Sorted(maps.Keys(s.events)) {
		numbers, events = append(numbers, n), append(events, s.events[n])
	}
	return numbers, events, s.lost, nil
}

func (s *memoryStore) Save(gone [][2]uint64, numbers []uint64, events [][]byte, lost uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	if s.events == nil {
		s.events = make(map[uint64][]byte)
	}
	for n := range s.events {
		for _, of := range gone {
			if n >= of[0] && n < of[1] {
				delete(s.events, n)
			}
		}
	}
	for i, n := range numbers {
		s.events[n] = events[i]
	}
	s.lost = lost
	return nil
}

func (s *memoryStore) failWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// killed returns what a process that is killed now leaves.
func (s *memoryStore) killed() *memoryStore {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &memoryStore{events: maps.Clone(s.events), lost: s.lost}
}

func (s *memoryStore) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.events)
}

func storedRig(t testing.TB, s *memoryStore) *hookRig {
	return newHookRig(t, func(o *Options) {
		o.Webhooks.Store = func(string) EventStore { return s }
	})
}

func down(int, hookRequest) (int, http.Header, error) { return 500, http.Header{}, nil }

// Events that wait when the process is killed, or stops, are sent by the next one: in order, with their
// ids, and before those of that process, in batches of their own.
func TestWebhooksAfterRestart(t *testing.T) {
	t.Parallel()
	for _, killed := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			store := new(memoryStore)
			first := storedRig(t, store)
			first.inbox.answer = down
			first.emitted(0, 150)
			time.Sleep(3 * time.Second) // the first batch is sent again and again
			first.emitted(150, 5)
			synctest.Wait()
			left := store.killed()
			first.close()
			if first.count(dropStopped) != 0 {
				t.Errorf("the stop has dropped %d events", first.count(dropStopped))
			}
			if !killed {
				left = store
			}
			if left.size() != 155 {
				t.Fatalf("killed %v: %d events are stored", killed, left.size())
			}
			second := storedRig(t, left)
			second.emitted(155, 3)
			time.Sleep(5 * time.Second)
			expectNumbers(t, second.inbox.events(), sequence(0, 158))
			for _, r := range second.inbox.got() {
				for _, e := range r.events {
					instance := strings.Split(e.ID, "_")[1]
					if !strings.Contains(r.body, `"instance":"`+instance+`"`) {
						t.Errorf("a batch of another instance has %s: %.200s", e.ID, r.body)
					}
				}
			}
			if n := left.size(); n != 0 {
				t.Errorf("%d events are stored after their delivery", n)
			}
			second.close()
		})
	}
}

// The next process reports what the one before it has dropped.
func TestDroppedWebhooksAfterRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := new(memoryStore)
		first := storedRig(t, store)
		first.inbox.answer = down
		first.emitted(0, maxBatchEvents)
		synctest.Wait() // the first batch is sent again and again
		first.emitted(maxBatchEvents, maxQueued-maxBatchEvents+7)
		synctest.Wait()
		if n := store.size(); n != maxQueued {
			t.Errorf("%d events are stored, the bound is %d", n, maxQueued)
		}
		first.close()
		numbers, _, _, _ := store.Load()
		if numbers[99] != 100 || numbers[100] != 108 {
			t.Errorf("the store has the numbers %d", numbers[95:105])
		}
		second := storedRig(t, store)
		time.Sleep(time.Millisecond)
		if got := second.inbox.got(); len(got) == 0 || got[0].dropped != 7 {
			t.Errorf("%d batches, the first one with %d dropped, want 7", len(got), got[0].dropped)
		}
		second.close()
	})
}

// While the store is full, events are sent, and it gets the others when there is space.
func TestWebhookStoreThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &memoryStore{fail: errors.New("full")}
		r := storedRig(t, store)
		r.emitted(0, 3)
		time.Sleep(2 * time.Second)
		expectNumbers(t, r.inbox.events(), sequence(0, 3))
		if n := r.logs.FilterField(zap.String("outcome", "unsaved")).Len(); n != 1 {
			t.Errorf("%d lines say that nothing is stored", n)
		}
		r.inbox.answer = down
		r.emitted(3, 4)
		time.Sleep(2 * time.Second)
		store.failWith(nil)
		time.Sleep(2 * time.Second)
		if n := store.size(); n != 4 {
			t.Errorf("%d events are stored, want 4", n)
		}
		r.close()
	})
}

// A model: after each Save the store has what the queue has, and the next process has it in order.
func TestQueueModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		store := new(memoryStore)
		r := &receiver{store: store, w: &Webhooks{}, h: &Hooks{faults: faults{now: time.Now}}}
		r.queue.init()
		count := 0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "call") {
			case 0, 1:
				for range rapid.IntRange(1, 150).Draw(t, "events") {
					count++
					r.queue.push(fmt.Appendf(nil, `{"id":"evt_A_%d"}`, count))
				}
			case 2:
				if len(r.queue.taken) == 0 {
					r.queue.take()
				}
			case 3:
				if rapid.Bool().Draw(t, "ok") {
					r.queue.sent()
				} else {
					r.queue.giveUp(dropExpired)
				}
			case 4: // the queue overflows
				for range min(len(r.queue.events), 30) {
					r.queue.pop()
					r.queue.drop(dropOverflow, 1)
				}
			case 5:
				r.saveOnce()
			}
		}
		r.saveOnce()
		want := ""
		for _, held := range [][]queued{r.queue.taken, r.queue.events} {
			for _, e := range held {
				want += string(e.text)
			}
		}
		var next queue
		next.init()
		if err := next.restore(store); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, e := range next.events {
			got += string(e.text)
		}
		if got != want || next.bytes != r.queue.bytes || next.lost != r.queue.lost+r.queue.takenLost {
			t.Fatalf("restored %d bytes, %d lost: %.300s\nwant %d, %d: %.300s", next.bytes, next.lost, got,
				r.queue.bytes, r.queue.lost+r.queue.takenLost, want)
		}
	})
}
