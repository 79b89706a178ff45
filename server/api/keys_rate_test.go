package api

import (
	"net/http"
	"net/http/httptest"
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

// Each key has a rate of its own. A batch counts as the number of its notifications.
func TestPublishRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := NewKeyring([]string{servertest.Key, otherKey}, 10, 20, nil)
		key, other := k.find(servertest.Key), k.find(otherKey)
		spend := func(key *apiKey, n int, retry time.Duration) {
			t.Helper()
			err := key.budget.spend(n)
			if retry == 0 {
				if err != nil {
					t.Errorf("%d: %v", n, err)
				}
				return
			}
			p, ok := err.(*edge.Problem)
			if !ok || p.Status != http.StatusTooManyRequests || p.Code != edge.CodeRateLimited ||
				p.RetryAfter.Round(time.Millisecond) != retry ||
				p.Detail != "more than 10 notifications per second with this API key; nothing "+
					"was sent" {
				t.Errorf("%d: %+v, want a retry after %v", n, err, retry)
			}
		}
		spend(key, 15, 0)
		spend(key, 5, 0)
		spend(key, 1, 100*time.Millisecond)
		spend(key, 10, time.Second)
		spend(other, 20, 0) // other keys are not affected
		time.Sleep(100 * time.Millisecond)
		spend(key, 1, 0) // refused notifications cost nothing
		spend(key, 1, 100*time.Millisecond)
		time.Sleep(2 * time.Second)
		spend(key, 1000, 0) // a batch above the burst costs the burst
		spend(key, 1, 100*time.Millisecond)
		unlimited := NewKeyring([]string{servertest.Key}, 0, 0, nil).find(servertest.Key)
		if err := unlimited.budget.spend(1 << 30); err != nil {
			t.Errorf("without a limit: %v", err)
		}
	})
}

// A key that has spent its rate gets 429 on all routes that publish. Other keys and other routes
// work.
func TestPublishRateRoutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hub := servertest.NewHub(t)
		options := testOptions(hub, servertest.Key, otherKey)
		options.Rate, options.Burst = 1, 10
		handler := edge.WithInfo(nil, New(options))
		send := func(key, method, path, body string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, path, strings.NewReader(body))
			r.Header.Set("X-API-Key", key)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("X-Request-ID", "req-1")
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			return w
		}
		item := `{"target":{"user":"u1"},"type":"x"}`
		batch := "[" + strings.Repeat(item+",", 9) + item + "]"
		if w := send(servertest.Key, "POST", "/v1/notifications", batch); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		before := hub.Head()
		want := servertest.ProblemJSON(t, 429, "rate_limited",
			"more than 1 notifications per second with this API key; nothing was sent", "")
		for _, tc := range []struct{ path, body string }{
			{"/v1/notifications", item}, {"/v1/notifications", batch},
			{
				"/v1/notifications/payment",
				`{"paymentId":"p","status":"completed","data":{"customerId":"u1"}}`,
			},
		} {
			w := send(servertest.Key, "POST", tc.path, tc.body)
			if w.Code != 429 || servertest.Sorted(t, w.Body.String()) != want ||
				w.Header().Get("Retry-After") != "1" {
				t.Errorf("%s: %d %v %s", tc.path, w.Code, w.Header(), w.Body)
			}
		}
		if hub.Head() != before {
			t.Error("the server published something")
		}
		if w := send(otherKey, "POST", "/v1/notifications", item); w.Code != 200 {
			t.Errorf("another key: %d %s", w.Code, w.Body)
		}
		if w := send(servertest.Key, "GET", "/v1/users", ""); w.Code != 200 {
			t.Errorf("a route that does not publish: %d %s", w.Code, w.Body)
		}
		time.Sleep(time.Second)
		if w := send(servertest.Key, "POST", "/v1/notifications", item); w.Code != 200 {
			t.Errorf("a second later: %d %s", w.Code, w.Body)
		}
	})
}

// A key that floods the server publishes at its rate, and all requests of another key succeed. The
// test logs the latency of the other key and does not judge it, because the flood runs on the same
// processors.
func TestPublishFlood(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	options := testOptions(hub, servertest.Key, otherKey)
	options.Rate, options.Burst = 100, 200
	handler := edge.WithInfo(nil, New(options))
	publish := func(key string) int {
		r := httptest.NewRequest("POST", "/v1/notifications",
			strings.NewReader(`{"target":{"user":"u1"},"type":"x"}`))
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
	servertest.Eventually(t, "the server refuses a request of the flood", func() bool {
		return refused.Load() > 0
	})
	busy := victim()
	stop.Store(true)
	flood.Wait()
	if most := 200 + int64(100*time.Since(start).Seconds()) + 1; sent.Load() > most ||
		sent.Load() < 200 || refused.Load() == 0 {
		t.Errorf("the flood published %d, at most %d are allowed; %d were refused", sent.Load(),
			most, refused.Load())
	}
	t.Logf("the other key's requests took %v idle and %v in the flood (median), %v and %v "+
		"(99th); %d refused",
		idle[45], busy[45], idle[88], busy[88], refused.Load())
}

// The cost of a key per request: the comparison with all keys, the scope, the rate.
func BenchmarkKeyCheck(b *testing.B) {
	k := NewKeyring([]string{servertest.Key, otherKey + ":user:*"}, 1<<30, 1<<30, nil)
	key := k.find(otherKey)
	target := notify.ToUser("u1")
	b.ReportAllocs()
	for b.Loop() {
		if k.find(otherKey) != key || key.permit("target", target.Subjects()...) != nil ||
			key.budget.spend(1) != nil {
			b.Fatal("refused")
		}
	}
}
