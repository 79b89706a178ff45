package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/notify"
)

// listener is a client that collects the ids of the notifications of type hello.
type listener struct {
	ids   []string
	ended time.Time
}

var helloID = regexp.MustCompile(`"id":"([0-9a-f]{8}-\d+)","type":"hello"`)

func (l *listener) take(text string) {
	if found := helloID.FindStringSubmatch(text); found != nil {
		l.ids = append(l.ids, found[1])
	}
}

// listen starts n clients of a transport, which read until the server ends them.
func (p *program) listen(n int, open func() (next func() (string, error))) ([]*listener, func()) {
	p.t.Helper()
	var clients []*listener
	var reading sync.WaitGroup
	for range n {
		next, l := open(), &listener{}
		clients = append(clients, l)
		reading.Go(func() {
			for {
				text, err := next()
				if err != nil {
					l.ended = time.Now()
					return
				}
				l.take(text)
			}
		})
	}
	return clients, reading.Wait
}

func (p *program) socket() func() (string, error) {
	p.t.Helper()
	url := "ws" + strings.TrimPrefix(p.base, "http") + "/socket.io/?EIO=4&transport=websocket"
	conn, res, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	res.Body.Close()
	p.t.Cleanup(func() { conn.Close() })
	if err := conn.WriteMessage(websocket.TextMessage, []byte(`40{"userId":"u1"}`)); err != nil {
		p.t.Fatal(err)
	}
	next := func() (string, error) {
		_, text, err := conn.ReadMessage()
		return string(text), err
	}
	p.until(next, `"connected"`)
	return next
}

func (p *program) stream() func() (string, error) {
	p.t.Helper()
	res, err := (&http.Client{Transport: &http.Transport{}}).Get(p.base + "/sse?userId=u1")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { res.Body.Close() })
	lines := bufio.NewReader(res.Body)
	next := func() (string, error) { return lines.ReadString('\n') }
	p.until(next, `"connected"`)
	return next
}

func (p *program) until(next func() (string, error), text string) {
	p.t.Helper()
	for {
		line, err := next()
		if err != nil {
			p.t.Fatalf("no %s: %v", text, err)
		}
		if strings.Contains(line, text) {
			return
		}
	}
}

// A drain closes the connections of both transports over its time, and not at once. Each publish
// that was accepted reaches exactly as many connections as its receipt says, and the others are
// refused, from the moment when the server is not ready any more.
func TestDrain(t *testing.T) {
	t.Parallel()
	const each = 20
	p := start(t, map[string]string{"DRAIN_TIMEOUT": "5s", "API_KEYS": testKey, "PUBLISH_RATE": "0"})
	sockets, socketsEnd := p.listen(each, p.socket)
	streams, streamsEnd := p.listen(each, p.stream)

	delivered := map[string]int{}
	var refusals int
	var first string
	for n := 0; ; n++ {
		if n == 20 {
			first = p.publishOnce()
			p.stop()
		}
		status, text := p.tryPublish()
		if status == 0 {
			break // the listener is closed
		}
		var receipt notify.Receipt
		switch {
		case status == http.StatusServiceUnavailable && n >= 20:
			if refusals++; refusals == 1 {
				p.checkDraining(text)
				if again := p.publishOnce(); again != first || !strings.HasPrefix(first, "200 ") {
					t.Errorf("with the same Idempotency-Key: %s, then %s", first, again)
				}
			}
			time.Sleep(10 * time.Millisecond) // there is enough to do besides
		case status != http.StatusOK || json.Unmarshal([]byte(text), &receipt) != nil,
			refusals > 0:
			t.Fatalf("publish %d after %d refusals: %d %s", n, refusals, status, text)
		default:
			delivered[receipt.ID] = receipt.Delivered
		}
	}
	socketsEnd()
	streamsEnd()
	p.ended()

	got := map[string]int{}
	for _, l := range slices.Concat(sockets, streams) {
		for _, id := range l.ids {
			got[id]++
		}
	}
	for id, want := range delivered {
		if got[id] != want {
			t.Errorf("%s reached %d connections, and its receipt says %d", id, got[id], want)
		}
	}
	if len(delivered) < 20 || refusals == 0 {
		t.Errorf("%d publishes were accepted and %d refused", len(delivered), refusals)
	}
	for name, clients := range map[string][]*listener{"sockets": sockets, "streams": streams} {
		byEnd := func(a, b *listener) int { return a.ended.Compare(b.ended) }
		first, last := slices.MinFunc(clients, byEnd), slices.MaxFunc(clients, byEnd)
		if took := last.ended.Sub(first.ended); took < 2*time.Second {
			t.Errorf("the %s ended within %v", name, took)
		}
	}
	want := fmt.Sprintf(`"msg":"drained","sockets":%d,"streams":%d,"complete":true`, each, each)
	if out := p.out.String(); !strings.Contains(out, want) {
		t.Errorf("no %s in\n%s", want, out)
	}
}

// checkDraining checks a refusal during a drain, and that the server is not ready and issues no
// tickets.
func (p *program) checkDraining(text string) {
	p.t.Helper()
	if !strings.Contains(text, `"code":"unavailable"`) {
		p.t.Errorf("the refusal is %s", text)
	}
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/readyz", ""},
		{"POST", "/v1/notifications", `[{"target":{"all":true},"type":"hello"}]`},
		{"POST", "/v1/notifications", `{"target":{"all":true},"type":"hello","volatile":true}`},
		{"POST", "/v1/notifications/security-alert", `{"alertId":"a","severity":"low"}`},
		{"POST", "/v1/tickets", `{"userId":"u1"}`},
		{"POST", "/sse/tickets?userId=u1", ``},
	} {
		r, err := http.NewRequest(c.method, p.base+c.path, strings.NewReader(c.body))
		if err != nil {
			p.t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+testKey)
		r.Header.Set("Content-Type", "application/json")
		res, err := httpClient().Do(r)
		if err != nil {
			p.t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusServiceUnavailable ||
			c.method == "POST" && res.Header.Get("Retry-After") == "" {
			p.t.Errorf("%s %s: %s %v", c.method, c.path, res.Status, res.Header)
		}
	}
}

// publishOnce publishes with an Idempotency-Key and returns the status and the body.
func (p *program) publishOnce() string {
	p.t.Helper()
	r, err := http.NewRequest("POST", p.base+"/v1/notifications",
		strings.NewReader(`{"target":{"all":true},"type":"once"}`))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testKey)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "once")
	res, err := httpClient().Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", res.StatusCode, text)
}

// Without clients a drain takes no time, however long it may take.
func TestDrainWithoutClients(t *testing.T) {
	t.Parallel()
	p := start(t, map[string]string{"DRAIN_TIMEOUT": "1h"})
	p.end()
	for range 2 { // a few clients end soon: at least four per second
		p = start(t, map[string]string{"DRAIN_TIMEOUT": "1h"})
		_, end := p.listen(2, p.stream)
		p.end()
		end()
	}
}
