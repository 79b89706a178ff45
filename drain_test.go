package main

import (
	"bufio"
	"encoding/json"
	"fmt"
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

// A drain closes the connections of both transports over its time, and not at once. Publishes go
// on, and each reaches exactly as many connections as its receipt says.
func TestDrain(t *testing.T) {
	t.Parallel()
	const each = 20
	p := start(t, map[string]string{"DRAIN_TIMEOUT": "5s", "API_KEYS": testKey, "PUBLISH_RATE": "0"})
	sockets, socketsEnd := p.listen(each, p.socket)
	streams, streamsEnd := p.listen(each, p.stream)
	p.stop()

	delivered := map[string]int{}
	for {
		status, text := p.tryPublish()
		var receipt notify.Receipt
		if status != http.StatusOK || json.Unmarshal([]byte(text), &receipt) != nil ||
			receipt.Delivered == 0 {
			break
		}
		delivered[receipt.ID] = receipt.Delivered
		time.Sleep(time.Millisecond) // there is enough to do besides
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
	if len(delivered) < 10 {
		t.Errorf("only %d were published during the drain", len(delivered))
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
