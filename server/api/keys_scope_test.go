package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify/catalogue"
	"github.com/roomcast/roomcast/server/servertest"
)

// On every route, a key with patterns can use only what the patterns cover.
func TestKeyScope(t *testing.T) {
	t.Parallel()
	const users, orders, client, all = "key-users", "key-orders", "key-client", "key-all"
	s := newTestServer(t, users+":user:*", orders+":channel:orders-*", orders+":user:bot",
		client+":client:c1", all+":all", "broken:room:x")
	m := servertest.Attach(t, s.hub, "c1", "u1", "orders-eu")
	publish := func(target string) func(key string) (int, string) {
		return func(key string) (int, string) {
			return s.ask("POST", "/v1/notifications", `{"target":`+target+`,"type":"x"}`,
				"X-API-Key: "+key)
		}
	}
	get := func(method, path string) func(key string) (int, string) {
		return func(key string) (int, string) { return s.ask(method, path, "", "X-API-Key: "+key) }
	}
	body := func(path, body string) func(key string) (int, string) {
		return func(key string) (int, string) {
			return s.ask("POST", path, body, "X-API-Key: "+key)
		}
	}
	maintenance, _ := catalogue.KindOf("maintenance")
	keys := []string{users, orders, client, all}
	for _, tc := range []struct {
		name    string
		request func(key string) (int, string)
		allowed []string // keys
		denied  string   // the subject in the error
	}{
		{"a user", publish(`{"user":"u1"}`), []string{users}, "user:u1"},
		{"the bot", publish(`{"user":"bot"}`), []string{users, orders}, "user:bot"},
		{"users", publish(`{"users":["bot","u2"]}`), []string{users}, ""},
		{"a channel", publish(`{"channel":"orders-eu"}`), []string{orders}, "channel:orders-eu"},
		{"one channel too many", publish(`{"channels":["orders-eu","orders"]}`), nil, ""},
		{"a channel named like a user", publish(`{"channel":"user:bot"}`), nil, "channel:user:bot"},
		{"a client", publish(`{"client":"c1"}`), []string{client}, "client:c1"},
		{"everyone", publish(`{"all":true}`), []string{all}, "all"},
		{
			"a kind with its own target",
			body("/v1/notifications/payment",
				`{"paymentId":"p","status":"completed","data":{"customerId":"u1"}}`),
			[]string{users}, "user:u1",
		},
		{
			"a kind to everyone", body("/v1/notifications/maintenance", kindExample(maintenance)),
			[]string{all}, "all",
		},
		{"all connections", get("GET", "/v1/connections"), nil, ""},
		{
			"connections of a user", get("GET", "/v1/connections?user=u1"), []string{users},
			"user:u1",
		},
		{
			"connections in a channel", get("GET", "/v1/connections?channel=orders-eu"),
			[]string{orders}, "channel:orders-eu",
		},
		{
			"both", get("GET", "/v1/connections?channel=orders-eu&user=u1"),
			[]string{users, orders}, "user:u1",
		},
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
		{
			"history of a channel", get("GET", "/v1/notifications?channel=orders-eu"),
			[]string{orders}, "channel:orders-eu",
		},
		{"a ticket", body("/v1/tickets", `{"userId":"bot"}`), []string{users, orders}, "user:bot"},
		{
			"a ticket with channels",
			body("/v1/tickets", `{"userId":"bot","channels":["orders-*"]}`), []string{orders}, "",
		},
		{
			"a ticket with all channels", body("/v1/tickets", `{"userId":"bot","channels":["*"]}`),
			nil, "",
		},
	} {
		for _, key := range keys {
			head := s.hub.Head()
			status, text := tc.request(key)
			if slices.Contains(tc.allowed, key) {
				if status != 200 && status != 201 {
					t.Errorf("%s with %s: %d %s", tc.name, key, status, text)
				}
				continue
			}
			named := tc.denied == "" || strings.Contains(text,
				fmt.Sprintf(`this API key may not be used for \"%s\"`, tc.denied))
			if status != 403 || !strings.Contains(text, `"code":"forbidden"`) || !named ||
				s.hub.Head() != head {
				t.Errorf("%s with %s: %d %s, published %v", tc.name, key, status, text,
					s.hub.Head() != head)
			}
		}
	}
	if status, _ := s.ask("GET", "/v1/stats", "", "X-API-Key: broken"); status != 403 {
		t.Errorf("a malformed entry is a valid key: %d", status)
	}
	if m.In("orders-us") || !m.In("orders-eu") {
		t.Errorf("%q", m.Rooms())
	}
	// The server checks every item of a batch.
	_, text := s.ask("POST", "/v1/notifications",
		`[{"target":{"user":"u1"},"type":"x"},{"target":{"all":true},"type":"x"}]`,
		"X-API-Key: "+users)
	if !strings.HasPrefix(text, `[{"id":`) || !strings.Contains(text, `"status":403`) ||
		!strings.Contains(text, `"field":"[1].target"`) {
		t.Error(text)
	}
}
