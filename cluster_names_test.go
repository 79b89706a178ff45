package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// Rooms that the application joins its clients to can have the ids of a database as names. Whatever is
// sent to such a room or channel, by a backend to any node or by a server on Node, arrives.
func TestRoomsWithNamesOfIDs(t *testing.T) {
	t.Parallel()
	names := []string{"507f1f77bcf86cd799439011", "JhLeOlGIEjaIOFHR0xdA"} // MongoDB, Firestore
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		rooms, _ := json.Marshal(names)
		_, _ = fmt.Fprintf(w, `{"userId":"u1","rooms":%s,"channels":["*"]}`, rooms)
	}))
	t.Cleanup(hook.Close)
	redis := redistest.Start(t, redistest.Options{})
	settings := nodeOf(redis)
	settings["AUTH_MODE"], settings["CONNECT_URL"] = "hook", hook.URL
	settings["HOST"] = "127.0.0.1" // hook mode would listen on all addresses
	settings["HOOK_SECRET"], settings["HOOK_ALLOW_PRIVATE"] = strings.Repeat("s", 32), "true"
	settings["API_KEYS"] = testKey + ",channels-0123456789abcdef:channel:*"
	nodes := []*program{start(t, settings), start(t, settings)}
	var streams []*bufio.Scanner
	for _, p := range nodes {
		p.waitReady()
		streams = append(streams, p.lines("userId=u1"))
		await(t, streams[len(streams)-1], "event: connected")
	}
	post := func(p *program, key, path, body string) {
		t.Helper()
		res, text := servertest.Do(t, "POST", p.base+path, body, "X-API-Key: "+key,
			"Content-Type: application/json")
		if res.StatusCode != 200 {
			t.Errorf("%s %s: %d %s", path, body, res.StatusCode, text)
		}
	}
	n := 0
	arrives := func(name, sent string) {
		t.Helper()
		for i, stream := range streams {
			if got := await(t, stream, "event: "); got != "event: "+sent {
				t.Errorf("%s: node %d sends %q, want %s", name, i, got, sent)
			}
		}
	}
	next := func() string { n++; return fmt.Sprintf("event-%d", n) }
	for _, name := range names {
		for _, p := range nodes {
			event := next()
			post(p, "channels-0123456789abcdef", "/v1/notifications",
				`{"target":{"channel":"`+name+`"},"type":"`+event+`","data":1}`)
			arrives(name, event)
			event = next()
			post(p, testKey, "/v1/emit", `{"room":"`+name+`","event":"`+event+`"}`)
			arrives(name, event)
		}
		event := next()
		redis.Do(t, "XADD", "socket.io", "*", "uid", "329960bb08fd9f07", "nsp", "/", "type", "3", "data",
			`{"packet":{"type":2,"data":["`+event+`"]},"opts":{"rooms":["`+name+
				`"],"except":[],"flags":{}}}`)
		arrives(name, event)
	}
	event := next()
	post(nodes[0], "channels-0123456789abcdef", "/v1/emit", `{"room":"`+names[0]+`","event":"`+event+`"}`)
	arrives(names[0], event)
	for _, name := range names { // a client leaves both
		post(nodes[1], testKey, "/v1/emit", `{"target":{"all":true},"event":"bye"}`)
		arrives(name, "bye")
		res, text := servertest.Do(t, "DELETE", nodes[0].base+"/v1/users/u1/channels/"+name, "",
			"X-API-Key: "+testKey)
		if res.StatusCode != 200 || !strings.Contains(text, `"left":2`) {
			t.Errorf("%s: %d %s", name, res.StatusCode, text)
		}
		post(nodes[1], testKey, "/v1/emit", `{"room":"`+name+`","event":"lost"}`)
	}
	post(nodes[0], testKey, "/v1/emit", `{"target":{"all":true},"event":"end"}`)
	arrives("all", "end")
	for _, p := range nodes {
		p.end()
	}
}

// lines opens an event stream.
func (p *program) lines(query string) *bufio.Scanner {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	p.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", p.base+"/sse?"+query, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	res, err := httpClient().Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = res.Body.Close() })
	return bufio.NewScanner(res.Body)
}

// await returns the next line of a stream that contains a text.
func await(t *testing.T, lines *bufio.Scanner, want string) string {
	t.Helper()
	for lines.Scan() {
		if strings.Contains(lines.Text(), want) {
			return lines.Text()
		}
	}
	t.Fatalf("the stream ended before %s: %v", want, lines.Err())
	return ""
}
