package socketio

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest"
)

func TestBuiltinEvents(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.MaxRooms = 4 })
	c, _ := s.Connect(`{"userId":"u1"}`)
	tests := []struct {
		in   string
		want []string
	}{
		{`42["subscribe",{"channels":["a","b","user:u2"]}]`,
			[]string{`42["subscribed",{"type":"subscribed","channels":["a","b"],` +
				`"denied":["user:u2"],"timestamp":*},"ID"]`}},
		{`421["subscribe"]`, []string{
			`42["subscribed",{"type":"subscribed","channels":["default"],"timestamp":*},"ID"]`,
			`431[{"type":"subscribed","channels":["default"],"timestamp":*}]`}},
		{`422["unsubscribe",{"channels":["a"]}]`, []string{
			`42["unsubscribed",{"type":"unsubscribed","channels":["a"],"timestamp":*},"ID"]`,
			`432[{"type":"unsubscribed","channels":["a"],"timestamp":*}]`}},
		{`42["subscribe",7]`,
			[]string{`42["error",{"code":"validation",` +
				`"message":"expected {\"channels\": [\"name\", …]}"},"ID"]`}},
		{`423["join-room","room 1"]`, []string{
			`42["room-joined",{"room":"room 1","timestamp":*},"ID"]`,
			`433[{"room":"room 1","timestamp":*}]`}},
		{`424["join-room","user:u2"]`, []string{
			`42["error",{"code":"forbidden",` +
				`"message":"this room may not be joined","room":"user:u2"},"ID"]`,
			`434[{"error":{"code":"forbidden",` +
				`"message":"this room may not be joined","room":"user:u2"}}]`}},
		{`42["join-room","USER:u2"]`,
			[]string{`42["error",{"code":"forbidden",` +
				`"message":"this room may not be joined","room":"USER:u2"},"ID"]`}},
		{`42["join-room","*"]`,
			[]string{`42["error",{"code":"forbidden",` +
				`"message":"this room may not be joined","room":"*"},"ID"]`}},
		{`42["join-room",["a"]]`,
			[]string{`42["error",{"code":"validation",` +
				`"message":"expected the name of a room, a string"},"ID"]`}},
		{`42["join-room","c"]`, []string{`42["room-joined",{"room":"c","timestamp":*},"ID"]`}},
		{`42["join-room","one too many"]`,
			[]string{`42["error",{"code":"room_limit",` +
				`"message":"too many rooms","room":"one too many"},"ID"]`}},
		{`42["leave-room","c"]`, []string{`42["room-left",{"room":"c","timestamp":*},"ID"]`}},
		{`42["custom-event",{"n":1}]`,
			[]string{`42["custom-event-response",{"n":1,"timestamp":*},"ID"]`}},
		{`42["custom-event","text"]`,
			[]string{`42["custom-event-response",{"data":"text","timestamp":*},"ID"]`}},
		{`42["ping"]`, []string{`42["pong",{"timestamp":*,"clientId":*},"ID"]`}},
		{`425["send-message",{"room":"room 1","message":{"b":[1,  2]},"metadata":{"k":"v"}}]`,
			[]string{`42["message",{"type":"message","room":"room 1","message":{"b":[1,2]},` +
				`"from":{"clientId":*,"userId":"u1"},"timestamp":*,"metadata":{"k":"v"}},"ID"]`,
				`435[{"id":"ID","delivered":1,"users":1,"channels":1,"stored":true}]`}},
		{`42["send-message",{"room":"user:u2","message":"x"}]`, []string{
			`42["error",{"code":"forbidden","message":"room \"user:u2\": belongs to the server,` +
				` expected another prefix","room":"user:u2"},"ID"]`}},
	}
	for _, tt := range tests {
		c.Send(tt.in)
		for _, want := range tt.want {
			got := servertest.Masked(c.Read())
			if strings.Contains(want, "belongs to the server") {
				got = got[:30] // the text is that of the rules for names
				want = want[:30]
			}
			if strings.HasPrefix(want, "435") {
				got = strings.ReplaceAll(got, `"id":*`, `"id":"ID"`)
			}
			if got != want {
				t.Errorf("%s:\n got %s\nwant %s", tt.in, got, want)
			}
		}
	}
}

func TestMessageReachesOnlyItsRoom(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	a, _ := s.Connect(`{"userId":"a","channels":["chat"]}`)
	b, _ := s.Connect(`{"userId":"b","channels":"chat"}`)
	other, _ := s.Connect(`{"userId":"c"}`)
	a.Send(`42["send-message",{"room":"chat","message":"hi"}]`)
	var m struct {
		Message json.RawMessage
		From    struct{ UserID string }
	}
	a.Event("message", &m)
	b.Event("message", &m)
	if string(m.Message) != `"hi"` || m.From.UserID != "a" {
		t.Errorf("b got %+v", m)
	}
	other.Sync() // fails on every packet except its own pong
}

func TestTokenGrantsJoinAndPublish(t *testing.T) {
	t.Parallel()
	s := newStack(t, withTokens(t))
	token := servertest.SignHS256(t, servertest.Secret, map[string]any{
		"sub": "u1", "exp": time.Now().Add(time.Hour).Unix(), "channels": []string{"team-*"},
		"publish": []string{"team-a"},
	})
	c := s.Dial("")
	c.Join(`{"token":"` + token + `"}`)
	for in, want := range map[string]string{
		`["join-room","team-a"]`:                             "room-joined",
		`["join-room","orders"]`:                             "error",
		`["send-message",{"room":"orders","message":1}]`:     "error",
		`["send-message",{"room":"team-b","message":1}]`:     "error",
		`["subscribe",{"channels":["team-b","admin-team"]}]`: "subscribed",
	} {
		c.Send("42" + in)
		var reply channelsEvent
		c.Event(want, &reply)
		got := fmt.Sprint(reply.Channels, reply.Denied)
		if want == "subscribed" && got != "[team-b] [admin-team]" {
			t.Errorf("subscribed to %v, denied %v", reply.Channels, reply.Denied)
		}
	}
}

func TestHeartbeatAndUpdates(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.Heartbeat = 50 * time.Millisecond })
	c, _ := s.Connect(`{"userId":"u1"}`)
	var beat heartbeatEvent
	for range 2 {
		if id := c.Event("heartbeat", &beat); beat.TotalConnections != 1 || id == "" {
			t.Errorf("heartbeat %+v with id %q", beat, id)
		}
	}
}

func TestAnonymous(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		o.Auth, _ = auth.New(auth.Options{Mode: auth.ModeOpen, AllowAnonymousSocketIO: true})
	})
	_, connected := s.Connect("")
	if connected.UserID != "anonymous" {
		t.Errorf("connected %+v", connected)
	}
	if r := s.Publish(`{"target":{"user":"anonymous"},"type":"n","data":1}`); r.Delivered != 0 {
		t.Errorf("an anonymous client is in the room of a user: %+v", r)
	}
}

// The reply of a built-in event would contain the placeholder instead of the bytes.
func TestBuiltinEventsTakeNoBinary(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`451-["send-message",{"room":"general","message":{"_placeholder":true,"num":0}}]`)
	c.SendBinary([]byte("abc"))
	var e errorEvent
	if c.Event("error", &e); e.Code != "validation" ||
		e.Message != "send-message takes no binary values" {
		t.Errorf("got %+v", e)
	}
}

// A browser sends no Origin with a GET to the host of the page, but sends Sec-Fetch-Site. The
// polling handshake must keep it.
func TestCookieOverPolling(t *testing.T) {
	t.Parallel()
	s := newStack(t, withTokens(t))
	token := servertest.SignHS256(t, servertest.Secret,
		map[string]any{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()})
	url := "http://" + s.Base + "/socket.io/?EIO=4&transport=polling"
	for site, want := range map[string]string{
		"Sec-Fetch-Site: same-origin": `40{"sid":*`,
		"X-Other: 1":                  `44{"message":"Forbidden"`,
	} {
		_, body := servertest.Do(t, "GET", url, "", "Cookie: auth_token="+token, site)
		var open struct{ Sid string }
		if err := json.Unmarshal([]byte(body[1:]), &open); err != nil {
			t.Fatal(err)
		}
		servertest.Do(t, "POST", url+"&sid="+open.Sid, "40", "Cookie: auth_token="+token,
			"Content-Type: text/plain;charset=UTF-8")
		_, body = servertest.Do(t, "GET", url+"&sid="+open.Sid, "", "Cookie: auth_token="+token)
		if !strings.HasPrefix(servertest.Masked(body), want) {
			t.Errorf("%s: got %s, want %s", site, body, want)
		}
	}
}
