package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
)

func TestHistory(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	publish := func(target, data, extra string) string {
		t.Helper()
		code, text := s.ask("POST", "/v1/notifications",
			`{"target":`+target+`,"type":"x","data":`+data+extra+`}`)
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
		if err := json.Unmarshal([]byte(text), &reply); err != nil || code != 200 ||
			reply.Notifications == nil {
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
		{"?user=u1&since=" + second, ``, inChannel}, // the head
		{"?user=u1&limit=1", `3`, second},
		{"?user=u1&since=0&limit=1", `{ "a" : "<" }`, first},
		{"?channel=orders", `5`, inChannel},
		{"?channel=nothing", ``, inChannel},
	} {
		data, gap, cursor := read(tc.query)
		if got := strings.Join(data, ","); got != tc.want || gap || cursor != tc.cursor {
			t.Errorf("%s: %s, gap %v, cursor %s; want %s, %s", tc.query, got, gap, cursor, tc.want,
				tc.cursor)
		}
	}
	// After a gap the cursor continues at what there is, so the next page has no gap.
	ahead := notify.ID{Epoch: s.hub.Head().Epoch, Seq: s.hub.Head().Seq + 1}.String()
	for _, since := range []string{"00000001-5", ahead} {
		for _, target := range []string{"user=u1", "channel=nothing"} {
			_, gap, cursor := read("?" + target + "&since=" + since)
			if !gap {
				t.Errorf("no gap after the unknown id %s", since)
			}
			if data, gap, _ := read("?" + target + "&since=" + cursor); gap || len(data) != 0 {
				t.Errorf("after the gap: %s, gap %v", data, gap)
			}
		}
	}
	_, text := s.ask("GET", "/v1/notifications?channel=orders", "")
	if !strings.Contains(text, `"metadata":{"channel":"orders"}`) {
		t.Error(text)
	}
	s.refused("GET", "/v1/notifications", "", "", "query: expected exactly one of user, channel")
	s.refused("GET", "/v1/notifications?user=a&channel=b", "", "",
		"query: expected exactly one of user, channel")
	s.refused("GET", "/v1/notifications?user=a&since=x", "", "since",
		`since: got "x", expected the id of a notification, or 0 for all kept notifications`)
}

// A reply of many messages is made in pieces, and no further ones when the client is gone.
func TestPiecesOfHistory(t *testing.T) {
	t.Parallel()
	data := `"` + strings.Repeat("x", 10_000) + `"`
	messages := make([]*notify.Message, 1000)
	for i := range messages {
		messages[i] = &notify.Message{Type: "t", Data: json.RawMessage(data)}
	}
	pieces := listOfMessages(`{"notifications":[`, messages, []byte(`]}`))
	var text []byte
	for piece := range pieces {
		if len(piece) > pieceSize+len(data)+200 {
			t.Fatalf("a piece has %d bytes", len(piece))
		}
		text = append(text, piece...)
	}
	var reply struct {
		Notifications []struct{ Data json.RawMessage }
	}
	if err := json.Unmarshal(text, &reply); err != nil || len(reply.Notifications) != len(messages) {
		t.Fatalf("%d notifications, %v", len(reply.Notifications), err)
	}
	for i, n := range reply.Notifications {
		if string(n.Data) != data {
			t.Errorf("notification %d has %d bytes", i, len(n.Data))
		}
	}
	for range pieces {
		break // the iterator would panic if it went on
	}
	for piece := range listOfMessages(`[`, nil, []byte(`]`)) {
		if string(piece) != `[]` {
			t.Errorf("no messages: %s", piece)
		}
	}
}
