package adminui

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest"
)

// changing replaces what differs from run to run in the events of the UI.
var changing = regexp.MustCompile(`"(id|clientId|hostname|serverId|time|timestamp)":"[^"]*"|` +
	`"(issued|pid|uptime|timestamp|count)":[0-9.e+-]+`)

func masked(text string) string {
	return changing.ReplaceAllStringFunc(text, func(part string) string {
		name, _, _ := strings.Cut(part, ":")
		return name + ":*"
	})
}

// An admin gets the events of the official server, in their form, and the sockets of both transports.
func TestEventsOfALogin(t *testing.T) {
	t.Parallel()
	s := newStack(t, auth.ModeOpen, func(o *Options) { o.Written = func() uint64 { return 0 } })
	headers := http.Header{
		"User-Agent": {"test"}, "Cookie": {"app=canary"}, "Origin": {"http://" + s.Base},
		"Referer": {"http://" + s.Base + "/page?secret=canary"},
	}
	user := s.DialWith("&apikey=canary", headers)
	connected := user.Join(`{"userId":"u1","username":"Ann","password":"canary"}`)
	user.Send(`42["join-room","orders"]`)
	user.Sync()
	stream := s.stream(map[string][]string{"userId": {"u2"}, "channel": {"news"}})

	c := s.Dial("")
	c.Send("40/admin," + byPassword)
	want := []string{
		`40/admin,{"sid":*}`,
		`42/admin,["session",*]`,
		`42/admin,["config",{"supportedFeatures":["AGGREGATED_EVENTS","ALL_EVENTS"]}]`,
		`42/admin,["server_stats",{"serverId":*,"hostname":*,"pid":*,"uptime":*,"clientsCount":2,` +
			`"pollingClientsCount":0,"aggregatedEvents":[],"namespaces":[{"name":"/",` +
			`"socketsCount":2},{"name":"/admin","socketsCount":1}]}]`,
	}
	for _, want := range want {
		got := servertest.Masked(c.Read())
		got = regexp.MustCompile(`"[0-9a-f]{32}"`).ReplaceAllString(masked(got), "*")
		if got != want {
			t.Fatalf("got\n%s, want\n%s", got, want)
		}
	}
	text := c.Read()
	if strings.Contains(text, "canary") {
		t.Errorf("an admin sees a secret: %s", text)
	}
	var event []json.RawMessage
	var sockets []json.RawMessage
	if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "42/admin,")), &event); err != nil ||
		string(event[0]) != `"all_sockets"` || json.Unmarshal(event[1], &sockets) != nil {
		t.Fatalf("%v: %s", err, text)
	}
	byID := map[string]string{}
	for _, socket := range sockets {
		var s struct{ Nsp, ID string }
		_ = json.Unmarshal(socket, &s)
		byID[s.Nsp+s.ID] = masked(string(socket))
	}
	if len(byID) != 3 {
		t.Errorf("%d sockets: %s", len(byID), text)
	}
	wantUser := `{"id":*,"clientId":*,"transport":"websocket","nsp":"/","data":{"userId":"u1",` +
		`"username":"Ann"},"handshake":{"address":"127.0.0.1","headers":{"host":"` + s.Base +
		`","origin":"http://` + s.Base + `","referer":"http://` + s.Base + `/page",` +
		`"user-agent":"test"},"query":{"EIO":"4","transport":"websocket"},"issued":*,` +
		`"secure":false,"time":*,"url":"/socket.io/","xdomain":true},"rooms":["` +
		connected.ClientID + `","orders","user:u1"]}`
	if got := byID["/"+connected.ClientID]; got != wantUser {
		t.Errorf("the client is\n%s, want\n%s", got, wantUser)
	}
	wantStream := `{"id":*,"clientId":*,"transport":"sse","nsp":"/","data":{"userId":"u2","username":"u2"},` +
		`"handshake":{"address":"127.0.0.1","headers":{},"query":{},"issued":*,"secure":false,` +
		`"time":*,"url":"","xdomain":false},"rooms":["` + stream + `","news","user:u2"]}`
	if got := byID["/"+stream]; got != wantStream {
		t.Errorf("the stream is\n%s, want\n%s", got, wantStream)
	}
	if n := s.Hub.Stats().Published; n != 0 {
		t.Errorf("%d messages in the log", n)
	}
}

// What comes, changes and goes while the admin looks.
func TestEventsOfChanges(t *testing.T) {
	t.Parallel()
	s := newStack(t, auth.ModeOpen, nil)
	c := s.admin(s.bySession())

	poll := s.Poll()
	poll.Post(`40{"userId":"u1"}`)
	id := ""
	c.until(func() bool {
		for k := range c.page.sockets {
			if k.namespace == "/" {
				id = k.id
			}
		}
		return id != ""
	})
	if got := c.page.sockets[key{"/", id}].Transport; got != "polling" {
		t.Errorf("transport %s", got)
	}
	first := c.page.sockets[key{"/", id}].ClientID
	user := poll.Upgrade()
	c.until(func() bool { return c.page.sockets[key{"/", id}].Transport == "websocket" })
	user.Send(`42["join-room","orders"]`)
	c.until(func() bool { return slices.Equal(c.page.rooms("/", id), []string{"orders", "user:u1"}) })
	user.Send(`42["leave-room","orders"]`)
	c.until(func() bool { return slices.Equal(c.page.rooms("/", id), []string{"user:u1"}) })
	user.Send(`41`)
	c.until(func() bool { return c.page.rooms("/", id) == nil })
	if got := c.page.reasons[key{"/", id}]; got != "client namespace disconnect" {
		t.Errorf("reason %q", got)
	}
	stream := s.stream(map[string][]string{"userId": {"u2"}})
	c.until(func() bool { return c.page.rooms("/", stream) != nil })
	s.Hub.Member("/", stream).Disconnect("bye")
	c.until(func() bool { return c.page.rooms("/", stream) == nil })
	if got := c.page.reasons[key{"/", stream}]; got != "server namespace disconnect" {
		t.Errorf("reason %q", got)
	}
	if first == id || first == "" {
		t.Errorf("the connection is named %q, its socket %q", first, id)
	}
	c.until(func() bool { return c.page.counts["rawDisconnection"] == 2 })
	if n := c.page.counts["rawConnection"]; n != 2 {
		t.Errorf("%d connections were counted", n)
	}
	want := `socket_connected[{"id":*,"clientId":*,"transport":"polling","nsp":"/","data":` +
		`{"userId":"u1","username":"u1"},"handshake":{"address":"127.0.0.1","headers":{"host":"` + s.Base +
		`","user-agent":"Go-http-client/1.1"},"query":{"EIO":"4","transport":"polling"},"issued":*,` +
		`"secure":false,"time":*,"url":"/socket.io/","xdomain":false},"rooms":["` + id +
		`","user:u1"]},"T"]`
	times := regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`)
	index := slices.IndexFunc(c.page.seen, func(e string) bool { return strings.HasPrefix(e, "socket_connected") })
	if got := times.ReplaceAllString(masked(c.page.seen[index]), `"T"`); got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
	for _, want := range []string{
		`socket_updated[{"id":*,"nsp":"/","transport":"websocket"}]`,
		`room_joined["/","orders","` + id + `","T"]`,
		`room_left["/","orders","` + id + `","T"]`,
		`socket_disconnected["/","` + id + `","client namespace disconnect","T"]`,
	} {
		if !slices.ContainsFunc(c.page.seen, func(e string) bool {
			return times.ReplaceAllString(masked(e), `"T"`) == want
		}) {
			t.Errorf("no %s in\n%s", want, strings.Join(c.page.seen, "\n"))
		}
	}
}

// A session lets the page in again without the password. It is for this process, and for a time.
func TestSessionOfAnAdmin(t *testing.T) {
	t.Parallel()
	s := newStack(t, auth.ModeToken, nil) // where users need a token
	c := s.admin(byPassword)
	if len(c.session) != 32 {
		t.Fatalf("the session is %q", c.session)
	}
	again := s.admin(`{"sessionId":"` + c.session + `"}`)
	if again.session != "" || again.config != `{"supportedFeatures":["AGGREGATED_EVENTS","ALL_EVENTS"]}` {
		t.Errorf("session %q, config %s", again.session, again.config)
	}
	if strings.Contains(s.log.Text(), c.session) || strings.Contains(s.log.Text(), password) {
		t.Errorf("a secret is in the log: %s", s.log.Text())
	}
}
