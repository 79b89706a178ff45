package api

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// Each key publishes at its own rate; a batch counts as many as it holds.
func TestPublishRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeyring([]string{servertest.Key, otherKey}, 10, 20)
		key, other := k.find(servertest.Key), k.find(otherKey)
		spend := func(key *apiKey, n int, retry time.Duration) {
			t.Helper()
			err := key.spend(n)
			if retry == 0 {
				if err != nil {
					t.Errorf("%d: %v", n, err)
				}
				return
			}
			p, ok := err.(*edge.Problem)
			if !ok || p.Status != http.StatusTooManyRequests || p.Code != edge.CodeRateLimited || p.RetryAfter.Round(time.Millisecond) != retry ||
				p.Detail != "more than 10 notifications per second with this API key; nothing was sent" {
				t.Errorf("%d: %+v, want to come back after %v", n, err, retry)
			}
		}
		spend(key, 15, 0)
		spend(key, 5, 0)
		spend(key, 1, 100*time.Millisecond)
		spend(key, 10, time.Second)
		spend(other, 20, 0) // another backend does not notice
		time.Sleep(100 * time.Millisecond)
		spend(key, 1, 0) // what was refused cost nothing
		spend(key, 1, 100*time.Millisecond)
		time.Sleep(2 * time.Second)
		spend(key, 1000, 0) // a batch beyond the burst can be sent at all
		spend(key, 1, 100*time.Millisecond)
		if err := newKeyring([]string{servertest.Key}, 0, 0).find(servertest.Key).spend(1 << 30); err != nil {
			t.Errorf("without a limit: %v", err)
		}
	})
}

func TestPublishRateOverHTTP(t *testing.T) {
	hub := servertest.NewHub(t)
	options := testOptions(hub, servertest.Key, otherKey)
	options.Rate, options.Burst = 1, 10
	base := "http://" + servertest.Serve(t, edge.WithInfo(nil, New(options)))
	item := `{"target":{"user":"u1"},"type":"x"}`
	batch := "[" + strings.Repeat(item+",", 9) + item + "]"
	if status, text, _ := post(t, base+"/v1/notifications", batch); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	before := hub.Head()
	for _, tc := range []struct{ path, body string }{
		{"/v1/notifications", item}, {"/v1/notifications", batch},
		{"/v1/notifications/payment", `{"paymentId":"p","status":"completed","data":{"customerId":"u1"}}`},
	} {
		status, text, header := post(t, base+tc.path, tc.body)
		want := servertest.ProblemJSON(t, 429, "rate_limited", "more than 1 notifications per second with this API key; nothing was sent", "")
		if status != 429 || servertest.Sorted(t, text) != want || header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %v %s", tc.path, status, header, text)
		}
	}
	if hub.Head() != before {
		t.Error("something was sent")
	}
	res, text := servertest.Do(t, "POST", base+"/v1/notifications", item, "X-API-Key: "+otherKey, "Content-Type: application/json")
	if res.StatusCode != 200 {
		t.Errorf("another key: %d %s", res.StatusCode, text)
	}
	if res, text = servertest.Do(t, "GET", base+"/v1/users", "", "X-API-Key: "+servertest.Key); res.StatusCode != 200 {
		t.Errorf("reading: %d %s", res.StatusCode, text)
	}
}

// While one key floods, it gets its rate and no more, and another key loses
// nothing. How long the other waits is logged, not judged: the test shares its
// processors with the flood.
func TestPublishFlood(t *testing.T) {
	hub := servertest.NewHub(t)
	options := testOptions(hub, servertest.Key, otherKey)
	options.Rate, options.Burst = 100, 200
	handler := edge.WithInfo(nil, New(options))
	publish := func(key string) int {
		r := httptest.NewRequest("POST", "/v1/notifications", strings.NewReader(`{"target":{"user":"u1"},"type":"x"}`))
		r.Header.Set("X-API-Key", key)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Code
	}
	victim := func() (waits []time.Duration) {
		for range 90 {
			start := time.Now()
			if status := publish(otherKey); status != 200 {
				t.Errorf("the other key: %d", status)
			}
			waits = append(waits, time.Since(start))
		}
		slices.Sort(waits)
		return waits
	}
	idle := victim()

	var sent, refused atomic.Int64
	var stop atomic.Bool
	var flood sync.WaitGroup
	start := time.Now()
	for range 4 {
		flood.Go(func() {
			for !stop.Load() {
				switch publish(servertest.Key) {
				case http.StatusOK:
					sent.Add(1)
				case http.StatusTooManyRequests:
					refused.Add(1)
				}
			}
		})
	}
	for refused.Load() == 0 {
		runtime.Gosched()
	}
	busy := victim()
	stop.Store(true)
	flood.Wait()
	if most := 200 + int64(100*time.Since(start).Seconds()) + 1; sent.Load() > most || sent.Load() < 200 || refused.Load() == 0 {
		t.Errorf("%d of the flood were sent, at most %d may be; %d were refused", sent.Load(), most, refused.Load())
	}
	t.Logf("the other key's requests took %v idle and %v in the flood (median), %v and %v (99th); %d refused",
		idle[45], busy[45], idle[88], busy[88], refused.Load())
}

// What a request pays for its key: the search among all, the scope, the rate.
func BenchmarkKeyCheck(b *testing.B) {
	k := newKeyring([]string{servertest.Key, otherKey + ":user:*"}, 1<<30, 1<<30)
	key := k.find(otherKey)
	target := notify.ToUser("u1")
	b.ReportAllocs()
	for b.Loop() {
		if k.find(otherKey) != key || key.permit("target", target.Subjects()...) != nil || key.spend(1) != nil {
			b.Fatal("refused")
		}
	}
}
