package hooks

import (
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

func heapBytes() int {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int(s.HeapAlloc)
}

// A queue takes at most 16 MiB, whatever the size of the events. The test measures the heap of the
// process, so it is not parallel.
func TestWebhookQueueHeap(t *testing.T) {
	for _, size := range []int{0, 1000, 5000, maxShown, 300_000} {
		q := queue{wake: make(chan struct{}, 1)}
		before := heapBytes()
		pushed, dropped := 0, 0
		for dropped < 2000 && pushed < 3*maxQueued {
			dropped += q.push(make([]byte, size))
			pushed++
		}
		grown := heapBytes() - before
		s := q.stats()
		if grown > maxQueuedBytes+maxQueuedBytes/8 || s.QueuedBytes > maxQueuedBytes ||
			s.Queued > maxQueued || s.Queued+int(s.Dropped[dropOverflow]) != pushed {
			t.Errorf("events of %d bytes: the heap grew by %d, stats %+v", size, grown, s)
		}
		runtime.KeepAlive(&q)
	}
}

// A storm of clients that connect and leave quickly, with a receiver that is too slow for it: the
// queue is bounded, every event is delivered or counted as dropped, and the order holds. The short
// form has 5,000 clients, the long one 100,000.
func TestWebhookStorm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newHookRig(t, nil)
		defer r.close()
		r.inbox.answer = func(int, hookRequest) (int, http.Header, error) {
			time.Sleep(50 * time.Millisecond)
			return 200, nil, nil
		}
		clients := servertest.Soaked(5000)
		for i := range clients {
			m, err := r.hub.Attach(notify.Attachment{ClientID: fmt.Sprint("c", i),
				UserID: fmt.Sprint("u", i), Rooms: []string{fmt.Sprint("room", i%100)}})
			if err != nil {
				t.Fatal(err)
			}
			if i%100 == 0 {
				time.Sleep(time.Millisecond)
				if s := r.Stats()[0]; s.Queued > maxQueued || s.QueuedBytes > maxQueuedBytes {
					t.Fatalf("stats %+v", s)
				}
			}
			m.Detach()
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		s, events := r.Stats()[0], r.inbox.events()
		if s.Dropped[dropOverflow] == 0 || s.Queued > 0 || int(s.Delivered) != len(events) ||
			s.Delivered+s.Dropped[dropOverflow] != r.seq || r.seq < uint64(4*clients) {
			t.Errorf("%d events, stats %+v", r.seq, s)
		}
		said := 0
		for _, request := range r.inbox.got() {
			said += request.dropped
		}
		if said != int(s.Dropped[dropOverflow]) {
			t.Errorf("the batches say that %d were dropped, of %d", said, s.Dropped[dropOverflow])
		}
		last := uint64(0)
		for _, e := range events {
			var seq uint64
			if _, err := fmt.Sscanf(e.ID, "evt_"+r.instance+"_%d", &seq); err != nil || seq <= last {
				t.Fatalf("the id %s follows %d", e.ID, last)
			}
			last = seq
		}
		if last != r.seq {
			t.Errorf("the last event is %d of %d", last, r.seq)
		}
	})
}

// The cost of webhooks for a connection that opens and closes, and for a publish to a user who is
// connected or not. "off" is a hub without webhooks; the receiver of "on" does not answer, so that
// only the queueing counts.
func BenchmarkWebhooks(b *testing.B) {
	for _, on := range []bool{false, true} {
		name := map[bool]string{false: "off", true: "on"}[on]
		hub := func(b *testing.B) *notify.Hub {
			if !on {
				return servertest.NewHub(b)
			}
			r := newHookRig(b, nil)
			r.inbox.answer = func(int, hookRequest) (int, http.Header, error) { return 0, nil, nil }
			return r.hub
		}
		b.Run("connect/"+name, func(b *testing.B) {
			h := hub(b)
			b.ReportAllocs()
			for b.Loop() {
				m, err := h.Attach(notify.Attachment{ClientID: "c1", Transport: "websocket"})
				if err != nil {
					b.Fatal(err)
				}
				m.Detach()
			}
		})
		for _, user := range []string{"u1", "nobody"} {
			b.Run("publish to "+user+"/"+name, func(b *testing.B) {
				h := hub(b)
				if _, err := h.Attach(notify.Attachment{ClientID: "c1", UserID: "u1"}); err != nil {
					b.Fatal(err)
				}
				n := notify.Notification{Type: "t", Data: []byte(`{"n":1}`)}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := h.Publish(b.Context(), n, notify.ToUser(user)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
