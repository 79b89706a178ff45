package engineio

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
	"pgregory.net/rapid"
)

// streamClient behaves like the JavaScript client: it polls, and pauses polling before it sends
// UPGRADE.
type streamClient struct {
	*fixture
	query string
	ws    *socket
	got   []string // packets in the order received, as on polling

	mu     sync.Mutex
	paused bool
}

func (c *streamClient) isPaused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused
}

// poll reads until want packets have arrived or polling is paused.
func (c *streamClient) poll(want int) error {
	for len(c.got) < want && !c.isPaused() {
		a, err := c.try("GET", c.query, nil)
		if err != nil || a.status != 200 {
			return fmt.Errorf("GET: %d %q %v", a.status, a.body, err)
		}
		for _, p := range strings.Split(a.body, "\x1e") {
			if p != "6" {
				c.got = append(c.got, p)
			}
		}
	}
	return nil
}

func (c *streamClient) readAll(want int) error {
	for len(c.got) < want {
		kind, data, err := c.ws.read()
		if err != nil {
			return err
		}
		if kind == websocket.BinaryMessage {
			data = "binary:" + data
		}
		c.got = append(c.got, data)
	}
	return nil
}

// TestStream checks that numbered messages in both directions arrive complete and in order, over
// polling, WebSocket and an upgrade at any point, and that attachments follow their text.
func TestStream(t *testing.T) {
	f := serve(t, Options{})
	rapid.Check(t, func(rt *rapid.T) {
		mode := rapid.SampledFrom([]string{
			"polling", "websocket", "upgrade", "upgrade", "upgrade",
		}).Draw(rt, "mode")
		up := rapid.IntRange(0, 300).Draw(rt, "up")
		down := rapid.IntRange(1, 300).Draw(rt, "down")
		chunk := rapid.IntRange(1, 40).Draw(rt, "messages per POST")
		size := rapid.SampledFrom([]int{0, 0, 100, 5000}).Draw(rt, "padding")
		after := rapid.IntRange(0, up).Draw(rt, "upgrade after")
		stream(rt, f, mode, up, down, chunk, size, after)
	})
}

func stream(t *rapid.T, f *fixture, mode string, up, down, chunk, size, after int) {
	c := &streamClient{fixture: f}
	var p *peer
	if mode == "websocket" {
		c.ws, p = f.connect()
	} else {
		c.query, p = f.open()
	}
	src := newQueue(p.Session)
	p.SetSource(src)
	pad := strings.Repeat("x", size)
	var want []string
	for i := range down {
		want = append(want, fmt.Sprintf("4%d%s", i, pad))
		if i%7 == 0 {
			want = append(want, "binary:"+strconv.Itoa(i))
		}
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := range down {
			text := fmt.Appendf(nil, "%d%s", i, pad)
			if i%7 == 0 {
				src.send(NewFrame(text, []byte(strconv.Itoa(i))))
			} else {
				src.send(NewFrame(text))
			}
		}
	}()
	received := make(chan error, 1)
	if c.ws == nil {
		go func() { received <- c.poll(len(want)) }()
	} else {
		go func() { received <- c.readAll(len(want)) }()
	}
	check := func(err error) {
		if err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
	}
	for i := 0; i < up; {
		if mode == "upgrade" && c.ws == nil && i >= after {
			check(c.upgrade(received, len(want)))
		}
		var packets []string
		for range chunk {
			if i < up {
				packets = append(packets, "4"+strconv.Itoa(i))
				i++
			}
		}
		if c.ws == nil {
			a, err := c.try("POST", c.query, strings.NewReader(strings.Join(packets, "\x1e")))
			check(err)
			if a.status != 200 {
				t.Fatalf("POST: %d %s", a.status, a.body)
			}
			continue
		}
		for _, packet := range packets {
			check(c.ws.WriteMessage(websocket.TextMessage, []byte(packet)))
		}
	}
	if mode == "upgrade" && c.ws == nil {
		check(c.upgrade(received, len(want)))
	}
	check(<-received)
	<-sent
	for i, w := range want {
		got := c.got[i]
		if rest, ok := strings.CutPrefix(got, "b"); ok && !strings.HasPrefix(got, "binary:") {
			got = "binary:" + string(decodeBinary([]byte(rest)))
		}
		if got != w {
			t.Fatalf("%s: packet %d is %.20q, want %.20q", mode, i, got, w)
		}
	}
	for i := range up {
		if m := <-p.in; m.data != strconv.Itoa(i) {
			t.Fatalf("%s: message %d is %q", mode, i, m.data)
		}
	}
	if len(p.in) != 0 || len(c.got) != len(want) || p.ReadyState() != "open" {
		t.Fatalf("%s: %d more messages, %d of %d packets, %s", mode, len(p.in), len(c.got),
			len(want), p.ReadyState())
	}
	p.end(ending{reason: ReasonForcedClose})
}

// upgrade pauses polling, upgrades and continues to read from the WebSocket.
func (c *streamClient) upgrade(received chan error, want int) error {
	ws := c.probe(c.query)
	c.mu.Lock()
	c.paused = true
	c.mu.Unlock()
	if err := <-received; err != nil {
		return err
	}
	ws.send("5")
	c.ws = ws
	go func() { received <- c.readAll(want) }()
	return nil
}
