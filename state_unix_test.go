//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
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
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = p.cmd.Wait()
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
