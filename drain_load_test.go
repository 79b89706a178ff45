package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// P01 of the fault list: a stop under load. Each client gets, once and in order, what was accepted
// while it was connected, no client gets a DISCONNECT, after which it would not reconnect, and the
// process ends in time. In make soak there are 1,000 clients and 1,000 publishes per second.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	each, before, pause := 50, 40, time.Duration(0) // clients of a transport, publishes of a backend
	drain := "4s"
	if servertest.Soaking() {
		each, before, pause, drain = 500, 500, 4*time.Millisecond, "25s"
	}
	const backends = 4
	p := start(t, map[string]string{
		"DRAIN_TIMEOUT": drain, "API_KEYS": testKey, "PUBLISH_RATE": "0", "HISTORY_SIZE": "10000",
		"SSE_MAX_CONNECTIONS": "2000",
	})
	var mu sync.Mutex
	var disconnects int
	sockets, socketsEnd := p.listen(each, func() func() (string, error) {
		next := p.socket()
		return func() (string, error) {
			text, err := next()
			if err == nil && strings.HasPrefix(text, "41") {
				mu.Lock()
				disconnects++
				mu.Unlock()
			}
			return text, err
		}
	})
	streams, streamsEnd := p.listen(each, p.stream)

	receipts := make([][]notify.Receipt, backends)
	var publishing, started sync.WaitGroup
	started.Add(backends)
	for b := range backends {
		publishing.Go(func() {
			for n := 0; ; n++ {
				if n == before {
					started.Done()
				}
				status, text := p.tryPublish()
				var receipt notify.Receipt
				if status != http.StatusOK {
					if n < before {
						t.Errorf("publish %d before the stop: %d %s", n, status, text)
						started.Done()
					}
					return // drained: the backend sends it again to another process
				}
				if err := json.Unmarshal([]byte(text), &receipt); err != nil {
					t.Errorf("receipt %s: %v", text, err)
				}
				receipts[b] = append(receipts[b], receipt)
				time.Sleep(pause)
			}
		})
	}
	started.Wait()
	stopped := time.Now()
	p.stop()
	publishing.Wait()
	socketsEnd()
	streamsEnd()
	p.ended()
	if took := time.Since(stopped); took > 30*time.Second {
		t.Errorf("the stop took %v", took)
	}
	checkLoad(t, slices.Concat(receipts...), slices.Concat(sockets, streams))
	if disconnects > 0 {
		t.Errorf("%d clients got a DISCONNECT", disconnects)
	}
}

// checkLoad compares what the clients got with the receipts.
func checkLoad(t *testing.T, receipts []notify.Receipt, clients []*listener) {
	t.Helper()
	got := map[string]int{}
	for i, l := range clients {
		if !slices.IsSortedFunc(l.ids, byNumber) ||
			len(slices.Compact(slices.Clone(l.ids))) != len(l.ids) {
			t.Errorf("client %d got ids twice or not in their order", i)
		}
		for _, id := range l.ids {
			got[id]++
		}
	}
	lost := 0
	for _, receipt := range receipts {
		if got[receipt.ID] != receipt.Delivered {
			lost++
			t.Errorf("%s reached %d connections, and its receipt says %d", receipt.ID,
				got[receipt.ID], receipt.Delivered)
		}
	}
	t.Logf("%d clients, %d publishes accepted, %d lost", len(clients), len(receipts), lost)
}

// byNumber compares ids of one epoch.
func byNumber(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}
