package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// userReceiver gets webhooks about users. The path of its URL names the node that sends them.
type userReceiver struct {
	mu     sync.Mutex
	byUser map[string][]string // such as "/1 user.online"
}

func (r *userReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var batch struct {
		Data struct {
			Events []struct {
				Type string
				Data struct{ UserID string }
			}
		}
	}
	if err := json.NewDecoder(req.Body).Decode(&batch); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range batch.Data.Events {
		r.byUser[e.Data.UserID] = append(r.byUser[e.Data.UserID], req.URL.Path+" "+e.Type)
	}
}

// of returns the events of a user.
func (r *userReceiver) of(user string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.byUser[user], ", ")
}

// open opens a stream, and returns a function that closes it.
func (p *program) open(query string) (closeStream func()) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", p.base+"/sse"+query, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	res, err := httpClient().Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil {
		p.t.Fatal(line, err)
	}
	return func() {
		cancel()
		_ = res.Body.Close()
	}
}

// While the node that sends the webhooks about users drains, which can take long, another one sends
// them, each once.
func TestWebhooksWhileTheLeaderDrains(t *testing.T) {
	t.Parallel()
	receiver := &userReceiver{byUser: map[string][]string{}}
	at := httptest.NewServer(receiver)
	t.Cleanup(at.Close)
	redis := redistest.Start(t, redistest.Options{})
	var nodes []*program
	for i := range 2 {
		settings := nodeOf(redis)
		settings["WEBHOOK_URLS"], settings["WEBHOOK_EVENTS"] = fmt.Sprint(at.URL, "/", i), "user.*"
		settings["HOOK_SECRET"], settings["DRAIN_TIMEOUT"] = strings.Repeat("s", 32), "1m"
		nodes = append(nodes, start(t, settings))
	}
	for _, p := range nodes {
		p.waitReady()
	}
	// come connects a user to a node, and returns the event of that.
	come := func(p *program, user string) (event string, leave func()) {
		t.Helper()
		leave = p.open("?userId=" + user)
		servertest.Eventually(t, "the event of "+user, func() bool {
			event = receiver.of(user)
			return event != ""
		})
		return event, leave
	}
	event, leave := come(nodes[0], "first")
	leave()
	leader, other := nodes[0], nodes[1]
	if !strings.HasPrefix(event, "/0 ") {
		leader, other = other, leader
	}
	path := other.settings["WEBHOOK_URLS"][len(at.URL):]
	var streams []func()
	for range 100 { // about half a second each
		streams = append(streams, leader.open(""))
	}
	leader.stop()
	leader.waitFor(regexp.MustCompile(`"msg":"draining"`))
	for i := 0; ; i++ { // what changes while the other node takes over can come twice
		event, leave := come(other, fmt.Sprint("probe", i))
		leave()
		if !strings.Contains(event, "user.online") {
			t.Fatalf("probe %d: %s", i, event)
		}
		if strings.Contains(event, path) {
			break
		}
	}
	online := path + " user.online"
	event, leave = come(other, "ada")
	if event != online {
		t.Errorf("events %s, want %s", event, online)
	}
	leave()
	want := online + ", " + path + " user.offline"
	servertest.Eventually(t, want, func() bool { return receiver.of("ada") == want })
	for _, closeStream := range streams {
		closeStream()
	}
	leader.ended()
	other.end()
	if got := receiver.of("ada"); got != want {
		t.Errorf("events %s, want %s", got, want)
	}
}
