//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// call sends a request to a server that may be killed meanwhile; then the status is 0.
func call(method, url, body string, headers ...string) (status int, text string, header http.Header) {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, err.Error(), nil
	}
	r.Header.Set("Authorization", "Bearer "+testKey)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := httpClient().Do(r)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error(), nil
	}
	return res.StatusCode, string(answer), res.Header
}

// B09: backends repeat their requests until they get an answer, while the process is killed again and
// again. Each notification is stored once, and whoever repeats the request gets its id.
func TestKilledServerSendsOnce(t *testing.T) {
	t.Parallel()
	backends, kills := 8, 3
	if servertest.Soaking() {
		backends, kills = 100, 50
	}
	settings := maps.Clone(faultSettings())
	settings["DATA_DIR"] = t.TempDir()
	p := startChild(t, 1000, settings)
	var base atomic.Pointer[string]
	base.Store(&p.base)
	post := func(n int64) (id string, ok bool) {
		status, text, _ := call("POST", *base.Load()+"/v1/notifications",
			fmt.Sprintf(`{"target":{"user":"u"},"type":"n","data":%d}`, n),
			"Content-Type", "application/json", "Idempotency-Key", fmt.Sprint(n))
		if status != 0 && status != 200 && status != 503 {
			t.Errorf("%d %s", status, text)
		}
		if status != 200 {
			return "", false
		}
		return idIn.FindStringSubmatch(text)[1], true
	}
	var count atomic.Int64
	var ids sync.Map
	var wg sync.WaitGroup
	end := make(chan struct{})
	for range backends {
		wg.Go(func() {
			for n := count.Add(1); ; n = count.Add(1) {
				servertest.Eventually(t, "an answer", func() bool {
					id, ok := post(n)
					if ok {
						ids.Store(n, id)
					}
					return ok
				})
				select {
				case <-end:
					return
				default:
				}
			}
		})
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range kills {
		time.Sleep(time.Duration(50+random.IntN(200)) * time.Millisecond)
		p.kill(t)
		p = startChild(t, 1000, settings)
		base.Store(&p.base)
	}
	close(end)
	wg.Wait()
	for n := range count.Load() {
		if want, known := ids.Load(n + 1); known {
			if id, ok := post(n + 1); !ok || id != want {
				t.Errorf("request %d repeated: %q, want %q", n+1, id, want)
			}
		}
	}
	stored := storedOf(t, p.base, "u")
	for n, times := range stored {
		if times != 1 {
			t.Errorf("notification %s is stored %d times", n, times)
		}
	}
	if len(stored) != int(count.Load()) {
		t.Errorf("%d notifications are stored, of %d", len(stored), count.Load())
	}
	t.Logf("%d requests, %d kills", count.Load(), kills)
}

// storedOf returns how often each data is stored for a user.
func storedOf(t *testing.T, base, user string) map[string]int {
	t.Helper()
	found, cursor := map[string]int{}, "0"
	for {
		_, text, _ := call("GET", base+"/v1/notifications?user="+user+"&since="+cursor, "")
		var page struct {
			Notifications []struct{ Data json.RawMessage }
			Cursor        string
			Gap           bool
		}
		if err := json.Unmarshal([]byte(text), &page); err != nil || page.Gap {
			t.Fatalf("%v %s", err, text)
		}
		if len(page.Notifications) == 0 {
			return found
		}
		for _, n := range page.Notifications {
			found[string(n.Data)]++
		}
		cursor = page.Cursor
	}
}

// hookReceiver gets webhooks and refuses them until it is told to accept.
type hookReceiver struct {
	accepts atomic.Bool
	tries   atomic.Int32

	mu     sync.Mutex
	events []hookedEvent
}

type hookedEvent struct {
	ID   string
	Data struct {
		Notification struct{ Data json.RawMessage }
	}
}

func (r *hookReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.tries.Add(1)
	var batch struct {
		Data struct{ Events []hookedEvent }
	}
	if err := json.NewDecoder(req.Body).Decode(&batch); err != nil || !r.accepts.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, batch.Data.Events...)
}

// seen returns the numbers of the events, each once, in the order in which they came first.
func (r *hookReceiver) seen() (numbers []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := map[string]bool{}
	for _, e := range r.events {
		if !ids[e.ID] {
			ids[e.ID] = true
			numbers = append(numbers, string(e.Data.Notification.Data))
		}
	}
	return numbers
}

var adminAddress = regexp.MustCompile(`"admin listening","address":"(127\.0\.0\.1:\d+)"`)

// Webhooks that wait when the process is killed come from the next one, in order, and before its own.
func TestKilledServerKeepsWebhooks(t *testing.T) {
	t.Parallel()
	receiver := new(hookReceiver)
	at := httptest.NewServer(receiver)
	defer at.Close()
	settings := map[string]string{"API_KEYS": testKey, "DATA_DIR": t.TempDir(), "WEBHOOK_URLS": at.URL,
		"WEBHOOK_EVENTS": "notification.undelivered", "HOOK_SECRET": strings.Repeat("s", 32)}
	const each, kills = 120, 3
	var want []string
	p := startChild(t, 1000, settings)
	for round := range kills + 1 {
		for range each / 40 {
			var items []string
			for range 40 {
				n := fmt.Sprint(len(want))
				want, items = append(want, n), append(items, `{"target":{"user":"u"},"type":"n","data":`+n+`}`)
			}
			status, text, _ := call("POST", p.base+"/v1/notifications",
				"["+strings.Join(items, ",")+"]", "Content-Type", "application/json")
			if status != 200 {
				t.Fatalf("%d %s", status, text)
			}
		}
		metrics := "http://" + p.waitFor(adminAddress)[1] + "/metrics"
		servertest.Eventually(t, "all events to be stored", func() bool {
			_, text, _ := call("GET", metrics, "")
			return strings.Contains(text, "roomcast_webhook_queue_unsaved{receiver=\"1\"} 0\n")
		})
		if round == kills {
			break
		}
		before := receiver.tries.Load()
		servertest.Eventually(t, "a batch to be sent", func() bool {
			return receiver.tries.Load() > before
		})
		p.kill(t)
		p = startChild(t, 1000, settings)
	}
	receiver.accepts.Store(true)
	servertest.Eventually(t, "all events", func() bool { return len(receiver.seen()) >= len(want) })
	if got := receiver.seen(); !slices.Equal(got, want) {
		t.Errorf("got %d events, want %d in order:\n%s", len(got), len(want), got)
	}
}
