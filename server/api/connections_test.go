package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

func TestConnections(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	servertest.Attach(t, s.hub, "c2", "u1", "orders")
	servertest.Attach(t, s.hub, "c1", "u1")
	servertest.Attach(t, s.hub, "c3", "u/2", "orders", "news")
	m, err := s.hub.Attach(notify.Attachment{
		ClientID: "c4", Namespace: "/", Transport: "websocket",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Detach)
	other, err := s.hub.Attach(notify.Attachment{
		ClientID: "admin", UserID: "u1", Namespace: "/admin", Transport: "websocket",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Detach)

	for query, want := range map[string]string{
		"":                                 "c1 c2 c3 c4",
		"?user=u1":                         "c1 c2",
		"?user=u%2F2":                      "c3",
		"?channel=orders":                  "c2 c3",
		"?channel=orders&user=u1":          "c2",
		"?transport=websocket":             "c4",
		"?transport=sse&user=u1":           "c1 c2",
		"?user=nobody":                     "",
		"?channel=nothing&transport=sse":   "",
		"?limit=1000&transport=polling":    "",
		"?limit=2&cursor=" + cursor("c1"):  "c2 c3",
		"?limit=2&cursor=" + cursor("c11"): "c2 c3",
		"?cursor=" + cursor("c4"):          "",
	} {
		code, text := s.ask("GET", "/v1/connections"+query, "")
		names, _ := ids(t, text, "connections", "clientId")
		if got := strings.Join(names, " "); code != 200 || got != want {
			t.Errorf("%s: %d %q, want %q", query, code, got, want)
		}
	}
	code, text := s.ask("GET", "/v1/connections/c3", "")
	var view connectionView
	if err := json.Unmarshal([]byte(text), &view); err != nil || code != 200 ||
		view.ClientID != "c3" || view.UserID != "u/2" ||
		!slices.Equal(view.Rooms, []string{"client:c3", "news", "orders", "user:u/2"}) {
		t.Errorf("%d %s", code, text)
	}
	s.refused("GET", "/v1/connections?chanel=orders", "", "chanel",
		"chanel: unknown query parameter, expected one of user, channel, transport, limit, cursor")
	s.refused("GET", "/v1/connections?transport=tcp", "", "transport",
		`transport: got "tcp", expected websocket, polling, sse`)
	s.refused("GET", "/v1/connections?limit=0", "", "limit",
		`limit: got "0", expected an integer from 1 to 1000`)
	s.refused("GET", "/v1/connections?limit=1001", "", "limit",
		`limit: got "1001", expected an integer from 1 to 1000`)
	s.refused("GET", "/v1/connections?limit=+5", "", "limit",
		`limit: got " 5", expected an integer from 1 to 1000`)
	s.refused("GET", "/v1/connections?user=a&user=b", "", "user",
		"user: got 2 values, expected one")
	s.refused("GET", "/v1/connections?cursor=%21", "", "cursor",
		`cursor: got "!", expected the value of next in the previous page`)
	s.refused("GET", "/v1/connections?a;b", "", "", "query: malformed")
	if code, text := s.ask("GET", "/v1/connections?user=", ""); code != 400 ||
		!strings.Contains(text, `"field":"user"`) {
		t.Errorf("an empty filter: %d %s", code, text)
	}
}

// A client that reads all pages sees each item once, in order.
func TestConnectionPages(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	var want []string
	for i := range 25 {
		id := fmt.Sprintf("c%02d", i)
		servertest.Attach(t, s.hub, id, fmt.Sprint("u", i%7), fmt.Sprint("room-", i%5))
		want = append(want, id)
	}
	for _, tc := range []struct {
		path, list, field string
		want              int
	}{
		{"/v1/connections", "connections", "clientId", 25}, {"/v1/users", "users", "userId", 7},
		{"/v1/channels", "channels", "channel", 5},
	} {
		for _, limit := range []int{1, 2, 5, 24, 25, 26} {
			var all []string
			query := fmt.Sprintf("?limit=%d", limit)
			for pages := 0; ; pages++ {
				_, text := s.ask("GET", tc.path+query, "")
				names, next := ids(t, text, tc.list, tc.field)
				all = append(all, names...)
				if next == "" || pages > 30 {
					break
				}
				query = fmt.Sprintf("?limit=%d&cursor=%s", limit, url.QueryEscape(next))
			}
			if len(all) != tc.want || !slices.IsSorted(all) ||
				len(slices.Compact(slices.Clone(all))) != len(all) ||
				tc.list == "connections" && !slices.Equal(all, want) {
				t.Errorf("%s by %d: %q", tc.path, limit, all)
			}
		}
	}
}

func TestDisconnect(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	ended := map[string]string{}
	join := func(namespace, id, user string) {
		m, err := s.hub.Attach(notify.Attachment{ClientID: id, UserID: user, Namespace: namespace,
			Transport: "sse", Sessions: []string{"key-" + id},
			Disconnect: func(reason string) { ended[id] = reason }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Detach)
	}
	join("/", "c1", "u1")
	join("/", "c2", "u1")
	join("/admin", "c3", "u1")
	join("/", "c4", "u2")
	const missing = `{"type":"about:blank","title":"Not Found","status":404,"detail":"clientId: ` +
		`there is no connection with this id","code":"not_found","request_id":"req-1",` +
		`"field":"clientId"}`
	s.expect("DELETE", "/v1/connections/c9", 404, missing)
	s.expect("DELETE", "/v1/connections/c3", 404, missing) // c3 is in another namespace
	s.expect("DELETE", "/v1/connections/c4", 200, `{"disconnected":1}`)
	if len(ended) != 1 || ended["c4"] != "disconnected by the server" {
		t.Errorf("%v", ended)
	}
	_, text := s.ask("POST", "/v1/tickets", `{"userId":"u1"}`)
	s.expect("DELETE", "/v1/users/u1/connections", 200, `{"disconnected":3}`)
	s.expect("DELETE", "/v1/users/nobody/connections", 200, `{"disconnected":0}`)
	if len(ended) != 4 {
		t.Errorf("%v", ended)
	}
	for _, id := range []string{"c1", "c2", "c3", "c4"} {
		if _, ok := s.hub.Session("key-" + id); ok {
			t.Errorf("the session of %s is not void", id)
		}
	}
	if !strings.Contains(text, `"ticket":"`) {
		t.Error(text)
	}
}

func TestJoinAndLeave(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	c1 := servertest.Attach(t, s.hub, "c1", "u1")
	c2 := servertest.Attach(t, s.hub, "c2", "u1")
	s.expect("PUT", "/v1/connections/c1/channels/"+url.PathEscape("team a/b"), 200, `{"joined":1}`)
	if !c1.In("team a/b") || c2.In("team a/b") {
		t.Errorf("%q %q", c1.Rooms(), c2.Rooms())
	}
	s.expect("PUT", "/v1/users/u1/channels/orders", 200, `{"joined":2}`)
	s.expect("PUT", "/v1/users/u1/channels/orders", 200, `{"joined":2}`) // a join is idempotent
	s.expect("PUT", "/v1/users/nobody/channels/orders", 200, `{"joined":0}`)
	s.expect("DELETE", "/v1/connections/c1/channels/orders", 200, `{"left":1}`)
	s.expect("DELETE", "/v1/connections/c1/channels/orders", 200, `{"left":0}`)
	if c1.In("orders") || !c2.In("orders") {
		t.Errorf("%q %q", c1.Rooms(), c2.Rooms())
	}
	s.expect("DELETE", "/v1/users/u1/channels/orders", 200, `{"left":1}`)
	s.expect("GET", "/v1/channels", 200,
		`{"channels":[{"channel":"team a/b","connections":1,"users":1}]}`)
	for _, name := range []string{"user:u2", "client:c2", "USER:u2", "*", "a#b", "%20x", "x%00"} {
		for _, path := range []string{"/v1/connections/c1/channels/", "/v1/users/u1/channels/"} {
			if code, text := s.ask("PUT", path+strings.ReplaceAll(name, "#", "%23"),
				""); code != 400 || !strings.Contains(text, `"field":"channel"`) {
				t.Errorf("%s%s: %d %s", path, name, code, text)
			}
		}
	}
	s.refused("PUT", "/v1/connections/c1/channels/c2", "", "channel",
		"channel: got the id of a connection, expected the name of a channel")
	for _, nothing := range []string{"", "{}", "[]", " { } \n", "null"} {
		if code, text := s.ask("PUT", "/v1/connections/c1/channels/empty", nothing); code != 200 {
			t.Errorf("with the body %q: %d %s", nothing, code, text)
		}
	}
	s.ask("DELETE", "/v1/connections/c1/channels/empty", "")
	s.refused("PUT", "/v1/connections/c1/channels/x", strings.Repeat(" ", 65), "",
		"body: this route takes no body")
	s.refused("PUT", "/v1/connections/c1/channels/x", `{"a":1}`, "",
		"body: this route takes no body")
	if got := c1.Rooms(); len(got) != 4 {
		t.Errorf("%q", got)
	}
}
