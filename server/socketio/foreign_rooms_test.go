package socketio

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// attacker is a client that tries to join rooms of other users.
type attacker struct {
	clientID string
	until    func(marker string) string // everything that it receives up to the marker
}

// No client joins the room of another user or client, in any spelling, over any transport, by any
// request. All requests give the same result.
func TestNoClientJoinsForeignRooms(t *testing.T) {
	t.Parallel()
	const published = 10_000
	s := newStack(t, func(o *Options) { // the victim may lag and must still receive all messages
		o.Hub = servertest.HubWith(t, func(o *notify.Options) { o.HistorySize = published })
	})
	victim, connected := s.Connect(`{"userId":"42"}`)
	res, lines := s.Stream(url.Values{"userId": {"42"}}, nil)
	defer res.Body.Close()
	streamID := firstID(t, lines.Scan, lines.Text)

	const look = "uѕer:42" // with a letter of another script, so it is an ordinary channel
	names := []string{
		"user:42", "USER:42", "User:42", "uSeR:42", "ｕｓｅｒ:42", "ｕser:42", "user：42", look,
		"user:42 ", " user:42", "user:42\t", "user:42\n",
		"user:42\x00", "user:\u200b42", "\u200buser:42", "us\u00ader:42", "\ufeffuser:42",
		"user%3A42", "user%253A42", "user:7", "user:*", "user:",
		"*", "#", "/#user:42", "#user:42", "user:42#", "", strings.Repeat("x", 201),
		"client:" + connected.ClientID, "CLIENT:" + connected.ClientID, connected.ClientID,
		"client:" + streamID, streamID, "/#" + connected.ClientID,
		"fine",
	}
	attackers := map[string]attacker{
		"websocket, subscribe": s.attackWS("", `42["subscribe",`+channelList(names)+`]`),
		"websocket, at once":   s.attackWS(channelList(names)),
		"websocket, room by room": s.attackWS("", func() (packets []string) {
			for _, name := range names {
				packets = append(packets, `42["join-room",`+string(servertest.JSON(name))+`]`)
			}
			return append(packets, `42["join-room",["user:42"]]`,
				`42["join-room",{"room":"user:42"}]`, `42["join-room"]`,
				`42["join","user:42"]`, `42["subscribe","user:42"]`,
				`42["subscribe",{"channels":"user:42"}]`,
				`42["subscribe",{"channels":[["user:42"]]}]`)
		}()...),
		"polling, subscribe":  s.attackPolling("", `42["subscribe",`+channelList(names)+`]`),
		"polling, at once":    s.attackPolling(channelList(names)),
		"EventSource, by URL": s.attackSSE(names, nil),
		"EventSource, later":  s.attackSSE(nil, names),
	}
	rooms := func(clientID string) []string {
		return slices.DeleteFunc(s.Hub.Member("/", clientID).Rooms(), func(room string) bool {
			return room == "*" || room == "user:7" || room == "client:"+clientID
		})
	}
	for way, a := range attackers {
		got := rooms(a.clientID)
		slices.Sort(got)
		want := []string{"fine", look, "user%253A42", "user%3A42"}
		if !slices.Equal(got, sortedStrings(want)) {
			t.Errorf("%s: in the rooms %q, want %q", way, got, want)
		}
	}

	targets := []string{`{"user":"42"}`, `{"client":"` + connected.ClientID + `"}`,
		`{"users":["42"]}`, `{"client":"` + streamID + `"}`}
	for range published / 1000 {
		var batch []string
		for i := range 1000 {
			batch = append(batch, `{"target":`+targets[i%len(targets)]+
				`,"type":"secret","data":"for 42 alone"}`)
		}
		body := "[" + strings.Join(batch, ",") + "]"
		res, text := servertest.Publish(t, "http://"+s.Base, body)
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%d %.200s", res.StatusCode, text)
		}
	}
	s.Publish(`{"target":{"all":true},"type":"marker"}`)
	for way, a := range attackers {
		if got := a.until(`"type":"marker"`); strings.Contains(got, "for 42 alone") ||
			strings.Contains(got, `"gap"`) {
			t.Errorf("%s: got %.300s", way, got)
		}
	}
	got := 0
	for text := ""; !strings.Contains(text, `"type":"marker"`); text = victim.Read() {
		got += strings.Count(text, "for 42 alone")
	}
	if want := published * 3 / 4; got != want {
		t.Errorf("the victim got %d, want %d", got, want)
	}
}

func channelList(names []string) string {
	return `{"channels":` + string(servertest.JSON(names)) + `}`
}

func sortedStrings(s []string) []string { s = slices.Clone(s); slices.Sort(s); return s }

// firstID reads up to the event `connected` and returns its client id.
func firstID(t testing.TB, next func() bool, text func() string) string {
	t.Helper()
	for next() {
		var e servertest.Connected
		data, ok := strings.CutPrefix(text(), "data: ")
		if ok && json.Unmarshal([]byte(data), &e) == nil && e.ClientID != "" {
			return e.ClientID
		}
	}
	t.Fatal("the stream ended before the id of the client's id")
	return ""
}

// as7 returns a CONNECT payload of the user 7 with further fields.
func as7(more string) string {
	if more == "" {
		return `{"userId":"7"}`
	}
	return `{"userId":"7",` + more[1:]
}

func (s *testStack) attackWS(payload string, packets ...string) attacker {
	s.T.Helper()
	c, connected := s.Connect(as7(payload))
	for _, p := range packets {
		c.Send(p)
	}
	c.Sync()
	return attacker{connected.ClientID, func(marker string) string {
		var all strings.Builder
		for !strings.Contains(all.String(), marker) {
			all.WriteString(c.Read())
		}
		return all.String()
	}}
}

func (s *testStack) attackPolling(payload string, packets ...string) attacker {
	s.T.Helper()
	c := s.Poll()
	until := func(marker string) string {
		all := ""
		for !strings.Contains(all, marker) {
			all += c.Get()
		}
		return all
	}
	c.Post("40" + as7(payload))
	var e servertest.Connected
	_, text, _ := strings.Cut(until(`["connected",`), `["connected",`)
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&e); err != nil {
		s.T.Fatal(err)
	}
	c.Post(append(packets, `42999["ping"]`)...)
	until("43999[")
	return attacker{e.ClientID, until}
}

func (s *testStack) attackSSE(atOnce, later []string) attacker {
	s.T.Helper()
	_, lines := s.Stream(url.Values{"userId": {"7"}, "channels": atOnce}, nil)
	id := firstID(s.T, lines.Scan, lines.Text)
	for _, name := range later {
		if res, text := servertest.Do(s.T, "POST",
			fmt.Sprintf("http://%s/sse/%s/channels?userId=7", s.Base, id),
			`{"join":[`+string(servertest.JSON(name))+`]}`,
			"Content-Type: application/json"); res.StatusCode != http.StatusOK {
			s.T.Fatalf("%q: %d %s", name, res.StatusCode, text)
		}
	}
	return attacker{id, func(marker string) string {
		var all strings.Builder
		for !strings.Contains(all.String(), marker) && lines.Scan() {
			all.WriteString(lines.Text())
		}
		return all.String()
	}}
}
