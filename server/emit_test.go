package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/server/servertest"
)

// emit posts to /v1/emit.
func (s *serviceStack) emit(query, body string) (int, string) {
	s.T.Helper()
	res, text := servertest.Do(s.T, "POST", "http://"+s.Base+"/v1/emit"+query, body,
		"Authorization: Bearer "+servertest.Key, "Content-Type: application/json")
	return res.StatusCode, strings.TrimSpace(text)
}

// Listeners of Socket.IO get exactly the arguments, and the id after them; a stream gets the one
// argument or the array.
func TestEmitOnTheWire(t *testing.T) {
	t.Parallel()
	s := newServiceStack(t, nil)
	c, me := s.Connect(`{"userId":"u1","channels":["lobby"]}`)
	_, lines := s.Stream(url.Values{"channels": {"lobby"}}, nil)
	stream := func(name string) (id, data string) {
		for lines.Scan() {
			field, value, _ := strings.Cut(lines.Text(), ": ")
			switch {
			case field == "id":
				id = value
			case field == "event" && value != name:
				id = ""
			case field == "data" && id != "":
				return id, value
			}
		}
		t.Fatalf("the stream ended before %s: %v", name, lines.Err())
		return "", ""
	}
	for _, tt := range []struct{ body, packet, data string }{
		{`{"room":"lobby","event":"chat message","args":["hi",{"b":1,"a":[1.50]}]}`,
			`42["chat message","hi",{"b":1,"a":[1.50]},"%s"]`, `["hi",{"b":1,"a":[1.50]}]`},
		{`{"target":{"all":true},"event":"tick"}`, `42["tick","%s"]`, `null`},
		{`{"target":{"channel":"lobby"},"event":"one","args":["<&>"]}`,
			`42["one","<&>","%s"]`, `"<&>"`},
		{`{"room":"lobby","event":"bytes","args":[{"$binary":"AQI="}]}`,
			`451-["bytes",{"_placeholder":true,"num":0},"%s"]`, `"AQI="`},
	} {
		status, reply := s.emit("", tt.body)
		var receipt struct{ ID string }
		if err := json.Unmarshal([]byte(reply), &receipt); err != nil || status != 200 {
			t.Fatalf("%s: %d %s", tt.body, status, reply)
		}
		if got, want := c.Read(), fmt.Sprintf(tt.packet, receipt.ID); got != want {
			t.Errorf("socket got %s, want %s", got, want)
		}
		if strings.HasPrefix(tt.packet, "45") {
			if kind, data, err := c.Conn.ReadMessage(); kind != websocket.BinaryMessage ||
				string(data) != "\x01\x02" || err != nil {
				t.Errorf("attachment %d %q, %v", kind, data, err)
			}
		}
		name := strings.SplitN(tt.packet, `"`, 3)[1]
		if id, data := stream(name); data != tt.data || id != receipt.ID {
			t.Errorf("the stream got %s %s, want %s", id, data, tt.data)
		}
	}
	// To one client by its id, without an id on the wire when it is volatile.
	if status, reply := s.emit("", `{"room":"`+me.ClientID+`","event":"you","volatile":true}`); status != 200 {
		t.Fatalf("%d %s", status, reply)
	}
	if got := c.Read(); !strings.HasPrefix(got, `42["you","`) {
		t.Errorf("got %s", got)
	}
}

func TestEmitWithAcknowledgement(t *testing.T) {
	t.Parallel()
	s := newServiceStack(t, nil)
	a, one := s.Connect(`{"userId":"u1","channels":["lobby"]}`)
	b, two := s.Connect(`{"userId":"u2","channels":["lobby"]}`)
	_, silent := s.Connect(`{"userId":"u3","channels":["lobby"]}`)
	reply := make(chan string, 1)
	ask := func(query, body string) {
		go func() {
			_, text := s.emit("?wait=ack"+query, body)
			reply <- text
		}()
	}
	ask("&timeout=30s", `{"room":"lobby","event":"ready?","args":[1],"except":["`+silent.ClientID+`"]}`)
	answer := func(c *servertest.WebSocket, with string) {
		got := c.Read() // 42<id>["ready?",1]
		id, args, _ := strings.Cut(strings.TrimPrefix(got, "42"), "[")
		if args != `"ready?",1]` || id == "" {
			t.Errorf("asked %s", got)
		}
		c.Send("43" + id + with)
	}
	answer(a, `["yes",{"n":1.0}]`)
	got := b.Read()
	id, _, _ := strings.Cut(strings.TrimPrefix(got, "42"), "[")
	b.Send(`461-` + id + `[{"_placeholder":true,"num":0}]`)
	b.SendBinary([]byte{1, 2})
	var acks struct {
		Acks []struct {
			Client string
			Args   json.RawMessage
		}
		Missing  []string
		TimedOut bool
	}
	text := servertest.Receive(t, reply)
	if err := json.Unmarshal([]byte(text), &acks); err != nil || len(acks.Acks) != 2 ||
		acks.TimedOut || len(acks.Missing) != 0 {
		t.Fatalf("%s, %v", text, err)
	}
	byClient := map[string]string{}
	for _, ack := range acks.Acks {
		byClient[ack.Client] = string(ack.Args)
	}
	if byClient[one.ClientID] != `["yes",{"n":1.0}]` || byClient[two.ClientID] != `[{"$binary":"AQI="}]` {
		t.Errorf("acknowledgements %s", text)
	}
	ask("&timeout=1ms", `{"room":"`+silent.ClientID+`","event":"ready?"}`)
	want := `{"acks":[],"missing":["` + silent.ClientID + `"],"timedOut":true}`
	if text := servertest.Receive(t, reply); text != want {
		t.Errorf("got %s, want %s", text, want)
	}
	// An answer that is too long is missing.
	ask("&timeout=30s", `{"room":"`+one.ClientID+`","event":"ready?","args":[1]}`)
	answer(a, `["`+strings.Repeat("x", 64<<10)+`"]`)
	want = `{"acks":[],"missing":["` + one.ClientID + `"],"timedOut":false}`
	if text := servertest.Receive(t, reply); text != want {
		t.Errorf("got %.200s, want %s", text, want)
	}
	ask("", `{"room":"nobody","event":"ready?"}`)
	if text := servertest.Receive(t, reply); text != `{"acks":[],"missing":[],"timedOut":false}` {
		t.Errorf("nobody asked: %s", text)
	}
}

func TestEmitRefusals(t *testing.T) {
	t.Parallel()
	s := newServiceStack(t, nil)
	one := `{"room":"r","event":"x"}`
	for _, tt := range []struct{ query, body, detail string }{
		{"", `{"event":"x"}`, "room: expected exactly one of room and target"},
		{"", `{"room":"r"}`, "event: is missing"},
		{"", `{"room":"r","event":5}`, "event: got the number 5, expected a string"},
		{"", `{"room":"r","event":"x","ttl":"5s"}`, "ttl: unknown field, expected one of room"},
		{"", `{"room":"r","event":"connect"}`, `event: \"connect\" is reserved`},
		{"", `{"room":"r","event":"x","args":{}}`, "args: is not an array"},
		{"", `{"room":"r","event":"x","volatile":1}`, "volatile: got the number 1"},
		{"", `{"room":"r","event":"x","namespace":"admin"}`, "namespace: "},
		{"", `7`, "body: got the number 7, expected an object or an array"},
		{"?timeout=5s", one, "timeout: is the time to wait, expected together with wait=ack"},
		{"?wait=yes", one, "wait: got"},
		{"?wait=ack&timeout=31s", one, `timeout: got \"31s\", expected a duration up to`},
		{"?wait=ack&timeout=-1s", one, "timeout: got"},
		{"?wait=ack", `[` + one + `]`, "wait: waits for one event"},
		{"?wait=ack", `{"room":"r","event":"x","args":[{"$binary":"!"}]}`, "args: "},
	} {
		status, text := s.emit(tt.query, tt.body)
		if status != http.StatusBadRequest || !strings.Contains(text, tt.detail) {
			t.Errorf("%s %s: %d %s\nwant %s", tt.query, tt.body, status, text, tt.detail)
		}
	}
	large := `{"room":"r","event":"x","args":["` + strings.Repeat("x", 1_000_000) + `"]}`
	if status, text := s.emit("", large); status != 413 || !strings.Contains(text, `"field":"args"`) {
		t.Errorf("large: %d %.200s", status, text)
	}
	status, text := s.emit("", `[`+one+`,{"room":"r"},`+one+`]`)
	if status != 200 || strings.Count(text, `"stored":true`) != 2 ||
		!strings.Contains(text, `"field":"[1].event"`) {
		t.Errorf("batch: %d %s", status, text)
	}
}

// A key for channels of "/" covers no room of another namespace, and no user.
func TestEmitKeyScope(t *testing.T) {
	t.Parallel()
	const key = "scoped-key-0123456789012345678901234567"
	s := newServiceStack(t, nil, func(o *Options) {
		o.APIKeys = []string{key + ":channel:lobby", key + ":channel:/admin#*"}
	})
	for body, want := range map[string]int{
		`{"room":"lobby","event":"x"}`:                                   200,
		`{"target":{"channel":"lobby"},"event":"x"}`:                     200,
		`{"room":"other","event":"x"}`:                                   403,
		`{"room":"user:u1","event":"x"}`:                                 403,
		`{"target":{"all":true},"event":"x"}`:                            403,
		`{"namespace":"/chat","room":"lobby","event":"x"}`:               403,
		`{"namespace":"/admin","room":"any","event":"x"}`:                200,
		`{"namespace":"/admin","target":{"all":true},"event":"x"}`:       200,
		`{"namespace":"/admin","target":{"user":"u1"},"event":"x"}`:      403,
		`{"namespace":"/admin","target":{"channels":["a"]},"event":"x"}`: 200,
		`{"namespace":"/","room":"/admin#x","event":"x"}`:                403,
	} {
		res, text := servertest.Do(t, "POST", "http://"+s.Base+"/v1/emit", body,
			"X-API-Key: "+key, "Content-Type: application/json")
		if res.StatusCode != want {
			t.Errorf("%s: %d %s, want %d", body, res.StatusCode, text, want)
		}
	}
}
