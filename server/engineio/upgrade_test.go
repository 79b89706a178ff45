package engineio

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// probe starts an upgrade.
func (f *fixture) probe(query string) *socket {
	f.t.Helper()
	ws := f.dial(query[len("&transport=polling"):])
	ws.send("2probe")
	ws.expect("3probe")
	return ws
}

func TestUpgrade(t *testing.T) {
	f := serve(t, Options{})
	f.echo = true
	query, p := f.open()
	ws := f.probe(query)
	f.expect(f.get(query), 200, "6") // the server answers a GET during the upgrade with NOOP
	ws.send("5")
	ws.send("4hello")
	ws.expect("4hello")
	if p.Transport() != WebSocket {
		t.Errorf("transport %s", p.Transport())
	}
	f.expect(f.get(query), 400, `{"code":3,"message":"Bad request"}`)
	f.expect(f.post(query, "4x"), 400, `{"code":3,"message":"Bad request"}`)
	ws.send("4still here")
	ws.expect("4still here")
}

func TestUpgradeEndsTheWaitingGET(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	waiting := f.getSoon(query)
	f.waiting(p)
	ws := f.probe(query)
	f.expect(<-waiting, 200, "6")
	ws.send("5")
	eventually(t, "upgraded", func() bool { return p.Transport() == WebSocket })
}

func TestUpgradeWithoutWaitingForTheNoop(t *testing.T) {
	f := serve(t, Options{})
	f.echo = true
	query, _ := f.open()
	ws := f.dial(query[len("&transport=polling"):])
	ws.send("2probe")
	ws.send("5")
	ws.send("4a")
	ws.expect("3probe")
	ws.expect("4a")
}

func TestGETAfterUpgrade(t *testing.T) {
	inBubble(t, Options{}, func(c *clock) {
		c.p.mu.Lock()
		c.p.probed = true
		c.p.mu.Unlock()
		c.expect(c.request("GET", ""), "6", noopDelay)
		late := make(chan string)
		go func() { late <- c.request("GET", "") }()
		synctest.Wait()
		c.p.mu.Lock()
		c.p.conn = newWire(&sink{}, c.p.Session) // the UPGRADE packet has arrived
		c.p.waiting.nudge()
		c.p.mu.Unlock()
		c.expect(<-late, "Bad Request", noopDelay)
	})
}

func TestUpgradeWritesTheQueue(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	ws := f.probe(query)
	src := newQueue(p.Session)
	p.SetSource(src)
	for i := range 10 {
		src.send(NewFrame(fmt.Appendf(nil, "%d", i)))
	}
	ws.send("5")
	for i := range 10 {
		ws.expect(fmt.Sprintf("4%d", i))
	}
}

func TestPollingContinuesDuringUpgrade(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	ws := f.probe(query)
	if err := p.Send([]byte("by polling"), false); err != nil {
		t.Fatal(err)
	}
	f.expect(f.get(query), 200, "4by polling")
	f.expect(f.post(query, "4up"), 200, "ok")
	p.expect(t, "up")
	ws.send("5")
	ws.send("4up again")
	p.expect(t, "up again")
}

// A client completes its upgrade after the answer to its POST, however long the handler takes.
func TestUpgradeWaitsForThePOST(t *testing.T) {
	t.Parallel()
	const limit = time.Second
	f := serve(t, Options{UpgradeTimeout: limit})
	f.block = make(chan struct{})
	query, p := f.open()
	posted := make(chan answer, 1)
	go func() {
		a, _ := f.try("POST", query, strings.NewReader("4a"))
		posted <- a
	}()
	eventually(t, "the handler has the message", p.delivering.Load)
	ws := f.probe(query)
	time.Sleep(2 * limit) // longer than the limit, which does not count now
	f.block <- struct{}{}
	f.expect(<-posted, 200, "ok")
	ws.send("5")
	eventually(t, "upgraded", func() bool { return p.Transport() == WebSocket })
}

func TestUpgradeSecondWebSocketIsClosed(t *testing.T) {
	f := serve(t, Options{})
	f.echo = true
	query, _ := f.open()
	ws := f.probe(query)
	f.dial(query[len("&transport=polling"):]).expectClose(closePolicy) // during the upgrade
	ws.send("5")
	f.dial(query[len("&transport=polling"):]).expectClose(closePolicy) // after it, or just before
	ws.send("4hello")
	ws.expect("4hello")
	f.dial(query[len("&transport=polling"):]).expectClose(closePolicy)
	ws.send("4hello")
	ws.expect("4hello")
}

func TestUpgradeOfAWebSocketSession(t *testing.T) {
	f := serve(t, Options{})
	f.echo = true
	ws, p := f.connect()
	f.dial("&sid=" + p.ID()).expectClose(closePolicy)
	f.expect(f.get("&transport=polling&sid="+p.ID()), 400, `{"code":3,"message":"Bad request"}`)
	ws.send("4hello")
	ws.expect("4hello")
}

func TestUpgradeWaitsForThePOSTInProgress(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	body, slow := io.Pipe()
	posted := make(chan answer, 1)
	go func() {
		a, _ := f.try("POST", query, body)
		posted <- a
	}()
	if _, err := slow.Write([]byte("4first")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the POST is under way", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.posting != nil
	})
	ws := f.probe(query)
	ws.send("5")
	ws.send("4second")
	eventually(t, "upgraded", func() bool { return p.Transport() == WebSocket })
	slow.Close()
	p.expect(t, "first", "second")
	f.expect(<-posted, 200, "ok")
}

func TestUpgradeAnswersPingFrames(t *testing.T) {
	f := serve(t, Options{})
	query, _ := f.open()
	ws := f.dial(query[len("&transport=polling"):])
	got := make(chan string, 1)
	ws.SetPongHandler(func(s string) error { got <- s; return nil })
	if err := ws.WriteControl(9, []byte("hi"), time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	ws.send("2probe")
	ws.expect("3probe")
	if s := <-got; s != "hi" {
		t.Errorf("pong %q", s)
	}
}
