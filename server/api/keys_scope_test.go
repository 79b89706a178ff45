package api

import (
	"fmt"
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
	"github.com/roomcast/roomcast/notify/catalogue"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// A limited key reaches what its patterns cover, and nothing else, on any route.
func TestKeyScope(t *testing.T) {
	const users, orders, client, all = "key-users", "key-orders", "key-client", "key-all"
	s := newTestServer(t, users+":user:*", orders+":channel:orders-*", orders+":user:bot", client+":client:c1", all+":all", "broken:room:x")
	m := servertest.Attach(t, s.hub, "c1", "u1", "orders-eu")
	publish := func(target string) func(key string) (int, string) {
		return func(key string) (int, string) {
			return s.ask("POST", "/v1/notifications", `{"target":`+target+`,"type":"x"}`, "X-API-Key: "+key)
		}
	}
	get := func(method, path string) func(key string) (int, string) {
		return func(key string) (int, string) { return s.ask(method, path, "", "X-API-Key: "+key) }
	}
	body := func(path, body string) func(key string) (int, string) {
		return func(key string) (int, string) { return s.ask("POST", path, body, "X-API-Key: "+key) }
	}
	maintenance, _ := catalogue.KindOf("maintenance")
	every := []string{users, orders, client, all}
	for _, tc := range []struct {
		name    string
		request func(key string) (int, string)
		allowed []string // keys
		denied  string   // what the refusal names
	}{
		{"a user", publish(`{"user":"u1"}`), []string{users}, "user:u1"},
		{"the bot", publish(`{"user":"bot"}`), []string{users, orders}, "user:bot"},
		{"users", publish(`{"users":["bot","u2"]}`), []string{users}, ""},
		{"a channel", publish(`{"channel":"orders-eu"}`), []string{orders}, "channel:orders-eu"},
		{"one channel too many", publish(`{"channels":["orders-eu","orders"]}`), nil, ""},
		{"a channel named like a user", publish(`{"channel":"user:bot"}`), nil, "channel:user:bot"},
		{"a client", publish(`{"client":"c1"}`), []string{client}, "client:c1"},
		{"everyone", publish(`{"all":true}`), []string{all}, "all"},
		{"a kind with its own target", body("/v1/notifications/payment", `{"paymentId":"p","status":"completed","data":{"customerId":"u1"}}`), []string{users}, "user:u1"},
		{"a kind to everyone", body("/v1/notifications/maintenance", kindExample(maintenance)), []string{all}, "all"},
		{"all connections", get("GET", "/v1/connections"), nil, ""},
		{"connections of a user", get("GET", "/v1/connections?user=u1"), []string{users}, "user:u1"},
		{"connections in a channel", get("GET", "/v1/connections?channel=orders-eu"), []string{orders}, "channel:orders-eu"},
		{"both", get("GET", "/v1/connections?channel=orders-eu&user=u1"), []string{users, orders}, "user:u1"},
		{"a connection", get("GET", "/v1/connections/c1"), []string{client}, "client:c1"},
		{"end a connection", get("DELETE", "/v1/connections/c1"), []string{client}, "client:c1"},
		{"join a connection", get("PUT", "/v1/connections/c1/channels/orders-us"), nil, ""},
		{"a user's state", get("GET", "/v1/users/u1"), []string{users}, "user:u1"},
		{"end a user", get("DELETE", "/v1/users/u1/connections"), []string{users}, "user:u1"},
		{"join a user", get("PUT", "/v1/users/bot/channels/orders-us"), []string{orders}, ""},
		{"leave a user", get("DELETE", "/v1/users/u1/channels/orders-eu"), nil, ""},
		{"all users", get("GET", "/v1/users"), nil, ""},
		{"all channels", get("GET", "/v1/channels"), nil, ""},
		{"statistics", get("GET", "/v1/stats"), nil, ""},
		{"history of a user", get("GET", "/v1/notifications?user=u1"), []string{users}, "user:u1"},
		{"history of a channel", get("GET", "/v1/notifications?channel=orders-eu"), []string{orders}, "channel:orders-eu"},
		{"a ticket", body("/v1/tickets", `{"userId":"bot"}`), []string{users, orders}, "user:bot"},
		{"a ticket with channels", body("/v1/tickets", `{"userId":"bot","channels":["orders-*"]}`), []string{orders}, ""},
		{"a ticket with all channels", body("/v1/tickets", `{"userId":"bot","channels":["*"]}`), nil, ""},
	} {
		for _, key := range every {
			head := s.hub.Head()
			status, text := tc.request(key)
			if slices.Contains(tc.allowed, key) {
				if status != 200 && status != 201 {
					t.Errorf("%s with %s: %d %s", tc.name, key, status, text)
				}
				continue
			}
			named := tc.denied == "" || strings.Contains(text, fmt.Sprintf(`this API key may not be used for \"%s\"`, tc.denied))
			if status != 403 || !strings.Contains(text, `"code":"forbidden"`) || !named || s.hub.Head() != head {
				t.Errorf("%s with %s: %d %s, published %v", tc.name, key, status, text, s.hub.Head() != head)
			}
		}
	}
	if status, _ := s.ask("GET", "/v1/stats", "", "X-API-Key: broken"); status != 403 {
		t.Errorf("an entry that is not well formed opens the API: %d", status)
	}
	if m.In("orders-us") || !m.In("orders-eu") {
		t.Errorf("%q", m.Rooms())
	}
	// In a batch each item is judged by itself.
	_, text := s.ask("POST", "/v1/notifications", `[{"target":{"user":"u1"},"type":"x"},{"target":{"all":true},"type":"x"}]`, "X-API-Key: "+users)
	if !strings.HasPrefix(text, `[{"id":`) || !strings.Contains(text, `"status":403`) || !strings.Contains(text, `"field":"[1].target"`) {
		t.Error(text)
	}
}

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
