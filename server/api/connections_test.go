package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// testServer asks an API with its key.
type testServer struct {
	t    *testing.T
	base string
	hub  *notify.Hub
}

func newTestServer(t *testing.T, keys ...string) testServer {
	t.Helper()
	hub := servertest.NewHub(t)
	options := testOptions(hub, append(keys, servertest.Key)...)
	return testServer{t, "http://" + servertest.Serve(t, edge.WithInfo(nil, New(options))), hub}
}

// ask returns the status and the body.
func (s testServer) ask(method, path, body string, headers ...string) (int, string) {
	s.t.Helper()
	if body != "" {
		headers = append(headers, "Content-Type: application/json")
	}
	if !slices.ContainsFunc(headers, func(h string) bool { return strings.HasPrefix(h, "X-API-Key: ") }) {
		headers = append(headers, "X-API-Key: "+servertest.Key)
	}
	res, text := servertest.Do(s.t, method, s.base+path, body, append(headers, "X-Request-ID: req-1")...)
	return res.StatusCode, strings.TrimSuffix(text, "\n")
}

func (s testServer) expect(method, path string, status int, want string) {
	s.t.Helper()
	if code, text := s.ask(method, path, ""); code != status || text != want {
		s.t.Errorf("%s %s: %d %s\nwant %d %s", method, path, code, text, status, want)
	}
}

// refused expects a 400 about a field.
func (s testServer) refused(method, path, body, field, detail string) {
	s.t.Helper()
	code, text := s.ask(method, path, body)
	if want := servertest.ProblemJSON(s.t, 400, "validation", detail, field); code != 400 || servertest.Sorted(s.t, text) != want {
		s.t.Errorf("%s %s %s: %d %s\nwant %s", method, path, body, code, text, want)
	}
}

// ids reads the named field of every element of a list.
func ids(t *testing.T, text, list, field string) (names []string, next string) {
	t.Helper()
	var reply map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &reply); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var elements []map[string]any
	if err := json.Unmarshal(reply[list], &elements); err != nil || elements == nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, e := range elements {
		names = append(names, e[field].(string))
	}
	_ = json.Unmarshal(reply["next"], &next)
	return names, next
}

func TestConnections(t *testing.T) {
	s := newTestServer(t)
	servertest.Attach(t, s.hub, "c2", "u1", "orders")
	servertest.Attach(t, s.hub, "c1", "u1")
	servertest.Attach(t, s.hub, "c3", "u/2", "orders", "news")
	m, err := s.hub.Attach(notify.Attachment{ClientID: "c4", Namespace: "/", Transport: "websocket"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Detach)
	other, err := s.hub.Attach(notify.Attachment{ClientID: "admin", UserID: "u1", Namespace: "/admin", Transport: "websocket"})
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
	if err := json.Unmarshal([]byte(text), &view); err != nil || code != 200 || view.ClientID != "c3" || view.UserID != "u/2" ||
		!slices.Equal(view.Rooms, []string{"client:c3", "news", "orders", "user:u/2"}) {
		t.Errorf("%d %s", code, text)
	}
	s.refused("GET", "/v1/connections?chanel=orders", "", "chanel", "chanel: unknown query parameter, expected one of user, channel, transport, limit, cursor")
	s.refused("GET", "/v1/connections?transport=tcp", "", "transport", `transport: got "tcp", expected websocket, polling, sse`)
	s.refused("GET", "/v1/connections?limit=0", "", "limit", `limit: got "0", expected an integer from 1 to 1000`)
	s.refused("GET", "/v1/connections?limit=1001", "", "limit", `limit: got "1001", expected an integer from 1 to 1000`)
	s.refused("GET", "/v1/connections?limit=+5", "", "limit", `limit: got " 5", expected an integer from 1 to 1000`)
	s.refused("GET", "/v1/connections?user=a&user=b", "", "user", "user: got 2 values, expected one")
	s.refused("GET", "/v1/connections?cursor=%21", "", "cursor", `cursor: got "!", expected the value of next in the previous page`)
	s.refused("GET", "/v1/connections?a;b", "", "", "query: malformed")
	if code, text := s.ask("GET", "/v1/connections?user=", ""); code != 400 || !strings.Contains(text, `"field":"user"`) {
		t.Errorf("an empty filter must not list everyone: %d %s", code, text)
	}
}

func cursor(name string) string {
	_, next, _ := page(&call{values: map[string]string{"limit": "1"}}, []string{name, name + "x"})
	return next
}

// Reading page after page shows everyone once.
func TestConnectionPages(t *testing.T) {
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
	}{{"/v1/connections", "connections", "clientId", 25}, {"/v1/users", "users", "userId", 7}, {"/v1/channels", "channels", "channel", 5}} {
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
			if len(all) != tc.want || !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) || tc.list == "connections" && !slices.Equal(all, want) {
				t.Errorf("%s by %d: %q", tc.path, limit, all)
			}
		}
	}
}

func TestDisconnect(t *testing.T) {
	s := newTestServer(t)
	ended := map[string]string{}
	join := func(namespace, id, user string) {
		m, err := s.hub.Attach(notify.Attachment{ClientID: id, UserID: user, Namespace: namespace, Transport: "sse", Sessions: []string{"key-" + id},
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
	const missing = `{"type":"about:blank","title":"Not Found","status":404,"detail":"clientId: there is no connection with this id","code":"not_found","request_id":"req-1","field":"clientId"}`
	s.expect("DELETE", "/v1/connections/nobody", 404, missing)
	s.expect("DELETE", "/v1/connections/c3", 404, missing) // it is in another namespace
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
			t.Errorf("the session of %s is kept", id)
		}
	}
	if !strings.Contains(text, `"ticket":"`) {
		t.Error(text)
	}
}

func TestJoinAndLeave(t *testing.T) {
	s := newTestServer(t)
	c1 := servertest.Attach(t, s.hub, "c1", "u1")
	c2 := servertest.Attach(t, s.hub, "c2", "u1")
	s.expect("PUT", "/v1/connections/c1/channels/"+url.PathEscape("team a/b"), 200, `{"joined":1}`)
	if !c1.In("team a/b") || c2.In("team a/b") {
		t.Errorf("%q %q", c1.Rooms(), c2.Rooms())
	}
	s.expect("PUT", "/v1/users/u1/channels/orders", 200, `{"joined":2}`)
	s.expect("PUT", "/v1/users/u1/channels/orders", 200, `{"joined":2}`) // as often as one likes
	s.expect("PUT", "/v1/users/nobody/channels/orders", 200, `{"joined":0}`)
	s.expect("DELETE", "/v1/connections/c1/channels/orders", 200, `{"left":1}`)
	s.expect("DELETE", "/v1/connections/c1/channels/orders", 200, `{"left":0}`)
	if c1.In("orders") || !c2.In("orders") {
		t.Errorf("%q %q", c1.Rooms(), c2.Rooms())
	}
	s.expect("DELETE", "/v1/users/u1/channels/orders", 200, `{"left":1}`)
	s.expect("GET", "/v1/channels", 200, `{"channels":[{"channel":"team a/b","connections":1,"users":1}]}`)
	for _, name := range []string{"user:u2", "client:c2", "USER:u2", "*", "a#b", "%20x", "x%00"} {
		for _, path := range []string{"/v1/connections/c1/channels/", "/v1/users/u1/channels/"} {
			if code, text := s.ask("PUT", path+strings.ReplaceAll(name, "#", "%23"), ""); code != 400 || !strings.Contains(text, `"field":"channel"`) {
				t.Errorf("%s%s: %d %s", path, name, code, text)
			}
		}
	}
	s.refused("PUT", "/v1/connections/c1/channels/c2", "", "channel", "channel: got the id of a connection, expected the name of a channel")
	s.refused("PUT", "/v1/connections/c1/channels/x", `{"a":1}`, "", "body: this route takes no body")
	if got := c1.Rooms(); len(got) != 4 {
		t.Errorf("%q", got)
	}
}

func TestUsers(t *testing.T) {
	s := newTestServer(t)
	servertest.Attach(t, s.hub, "c2", "u1", "orders")
	servertest.Attach(t, s.hub, "c1", "u1")
	servertest.Attach(t, s.hub, "c3", "auth0|7", "orders")
	servertest.Attach(t, s.hub, "c4", "")
	const all = `{"users":[{"userId":"auth0|7","username":"auth0|7","connections":1},{"userId":"u1","username":"u1","connections":2}]}`
	s.expect("GET", "/v1/users", 200, all)
	s.expect("GET", "/v1/users?online=true", 200, all)
	s.refused("GET", "/v1/users?online=false", "", "online", `online: got "false", expected true`)
	s.expect("GET", "/v1/users/nobody", 200, `{"userId":"nobody","online":false,"connections":[]}`)
	code, text := s.ask("GET", "/v1/users/auth0%7C7", "")
	if code != 200 || !strings.HasPrefix(text, `{"userId":"auth0|7","online":true,"connections":[{"clientId":"c3",`) {
		t.Errorf("%d %s", code, text)
	}
	_, text = s.ask("GET", "/v1/users/u1", "")
	if names, _ := ids(t, text, "connections", "clientId"); !slices.Equal(names, []string{"c1", "c2"}) {
		t.Error(text)
	}
	s.expect("GET", "/v1/channels", 200, `{"channels":[{"channel":"orders","connections":2,"users":2}]}`)
}

func TestHistory(t *testing.T) {
	s := newTestServer(t)
	publish := func(target, data, extra string) string {
		t.Helper()
		code, text := s.ask("POST", "/v1/notifications", `{"target":`+target+`,"type":"x","data":`+data+extra+`}`)
		var r notify.Receipt
		if err := json.Unmarshal([]byte(text), &r); err != nil || code != 200 {
			t.Fatalf("%d %s", code, text)
		}
		return r.ID
	}
	before := s.hub.Head().String()
	first := publish(`{"user":"u1"}`, `{ "a" : "<" }`, ``)
	publish(`{"user":"u2"}`, `2`, ``)
	second := publish(`{"user":"u1"}`, `3`, `,"metadata":{"k":1}`)
	publish(`{"user":"u1"}`, `4`, `,"volatile":true`)
	inChannel := publish(`{"channel":"orders"}`, `5`, ``)

	read := func(query string) (data []string, gap bool, cursor string) {
		t.Helper()
		code, text := s.ask("GET", "/v1/notifications"+query, "")
		var reply struct {
			Notifications []struct {
				ID        string
				Data      json.RawMessage
				Timestamp string
			}
			Gap    bool
			Cursor string
		}
		if err := json.Unmarshal([]byte(text), &reply); err != nil || code != 200 || reply.Notifications == nil {
			t.Fatalf("%s: %d %s", query, code, text)
		}
		for _, n := range reply.Notifications {
			data = append(data, string(n.Data))
		}
		return data, reply.Gap, reply.Cursor
	}
	for _, tc := range []struct {
		query  string
		want   string
		cursor string
	}{
		{"?user=u1", `{ "a" : "<" },3`, second},
		{"?user=u1&since=" + before, `{ "a" : "<" },3`, second},
		{"?user=u1&since=" + first, `3`, second},
		{"?user=u1&since=" + second, ``, second},
		{"?user=u1&limit=1", `3`, second},
		{"?user=u1&since=0&limit=1", `{ "a" : "<" }`, first},
		{"?channel=orders", `5`, inChannel},
		{"?channel=nothing", ``, inChannel},
	} {
		data, gap, cursor := read(tc.query)
		if got := strings.Join(data, ","); got != tc.want || gap || cursor != tc.cursor {
			t.Errorf("%s: %s, gap %v, cursor %s; want %s, %s", tc.query, got, gap, cursor, tc.want, tc.cursor)
		}
	}
	if _, gap, _ := read("?user=u1&since=00000001-5"); !gap {
		t.Error("another epoch is no gap")
	}
	_, text := s.ask("GET", "/v1/notifications?channel=orders", "")
	if !strings.Contains(text, `"metadata":{"channel":"orders"}`) {
		t.Error(text)
	}
	s.refused("GET", "/v1/notifications", "", "", "query: expected exactly one of user, channel")
	s.refused("GET", "/v1/notifications?user=a&channel=b", "", "", "query: expected exactly one of user, channel")
	s.refused("GET", "/v1/notifications?user=a&since=x", "", "since", `since: got "x", expected the id of a notification, or 0 for all kept notifications`)
}

func TestTickets(t *testing.T) {
	s := newTestServer(t)
	code, text := s.ask("POST", "/v1/tickets", `{"userId":"u1","username":"Ada","channels":["orders","team-*"],"ttl":"20s"}`)
	var reply ticketReply
	if err := json.Unmarshal([]byte(text), &reply); err != nil || code != 201 || len(reply.Ticket) != 43 || !strings.HasSuffix(reply.ExpiresAt, "Z") {
		t.Errorf("%d %s", code, text)
	}
	if code, text := s.ask("POST", "/v1/tickets", `{"userId":"u1","channels":null,"ttl":null}`); code != 201 {
		t.Errorf("%d %s", code, text)
	}
	s.refused("POST", "/v1/tickets", `{}`, "userId", "userId: missing, expected the id of the user that the ticket is for")
	s.refused("POST", "/v1/tickets", `{"userId":7}`, "userId", "userId: got the number 7, expected a string")
	s.refused("POST", "/v1/tickets", `{"user":"u1"}`, "user", "user: unknown field, expected one of userId, username, channels, ttl")
	s.refused("POST", "/v1/tickets", `{"userId":"u1","ttl":"31s"}`, "ttl", "ttl: got 31s, expected at most 30s")
	s.refused("POST", "/v1/tickets", `{"userId":"u1","channels":"x"}`, "channels", `channels: got the string "x", expected an array of strings`)
	s.refused("POST", "/v1/tickets", `[]`, "", "body: got an array, expected an object with userId, username, channels, ttl")
	s.refused("POST", "/v1/tickets", `{"userId":"u1","userId":"u2"}`, "userId", "userId: duplicate key \"userId\"")
	for _, body := range []string{`{"userId":"anonymous\u0000"}`, `{"userId":" u1"}`, `{"userId":""}`} {
		if code, text := s.ask("POST", "/v1/tickets", body); code != 400 {
			t.Errorf("%s: %d %s", body, code, text)
		}
	}
}

func FuzzDecodeTicket(f *testing.F) {
	for _, seed := range []string{`{"userId":"u1"}`, `{"userId":"u1","username":"x","channels":["a"],"ttl":"5s"}`, `[]`, `{"ttl":1}`, ` {}`, `{"userId":"\ud800"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		checked, err := strictjson.Split(body, strictjson.Rules{})
		if err != nil {
			return
		}
		got, err := decodeTicket(checked)
		if err == nil && (got.userID == "" || got.ttl < 0) {
			t.Errorf("%q: %+v", body, got)
		}
	})
}
