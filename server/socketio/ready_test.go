package socketio

import (
	"context"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// Until the node has read the log it shares with others, it refuses handshakes and says when to come
// again. An EventSource would give up after a status other than 200, so it gets a stream that ends.
func TestHandshakesBeforeTheLogIsRead(t *testing.T) {
	t.Parallel()
	hub, log := servertest.NodeHub(t)
	s := newStack(t, func(o *Options) { o.Hub = hub })
	for _, transport := range []string{"polling", "websocket"} {
		var headers []string
		if transport == "websocket" {
			headers = upgradeHeaders
		}
		res, text := servertest.Do(t, "GET", "http://"+s.Base+"/socket.io/?EIO=4&transport="+transport, "",
			headers...)
		if res.StatusCode != 503 || res.Header.Get("Retry-After") != "2" {
			t.Errorf("%s: %d %v %s", transport, res.StatusCode, res.Header, text)
		}
	}
	res, text := servertest.Do(t, "GET", "http://"+s.Base+"/sse?userId=u1", "")
	if res.StatusCode != 200 || !strings.HasPrefix(text, "retry: ") ||
		!strings.Contains(text, "event: overloaded\n") {
		t.Errorf("EventSource: %d %q", res.StatusCode, text)
	}
	res, text = servertest.Do(t, "GET", "http://"+s.Base+"/v1/position", "",
		"Authorization: Bearer "+servertest.Key)
	if res.StatusCode != 503 || !strings.Contains(text, "has not read") {
		t.Errorf("the position: %d %s", res.StatusCode, text)
	}
	close(log.Read)
	if _, connected := s.Connect(`{"userId":"u1"}`); connected.UserID != "u1" {
		t.Errorf("%+v", connected)
	}
}

// A client that comes from a node that has read more gets no gap: it waits for the message that it
// has already, with a deadline and without a lock.
func TestCursorOfAnotherNode(t *testing.T) {
	t.Parallel()
	hub, log := servertest.NodeHub(t)
	close(log.Read)
	var waited atomic.Int32
	log.Waits = func(ctx context.Context, _ notify.ID) {
		waited.Add(1)
		deadline, ok := ctx.Deadline()
		if left := time.Until(deadline); !ok || left > 2*time.Second {
			t.Errorf("a client waits for %v", left)
		}
		hub.Sweep(time.Now()) // takes the lock
	}
	s := newStack(t, func(o *Options) { o.Hub = hub })
	ahead := func() string {
		head := hub.Head()
		return notify.ID{Epoch: head.Epoch, Seq: head.Seq + 3}.String()
	}
	since := ahead()
	c, connected := s.Connect(`{"userId":"u1","since":"` + since + `"}`)
	var recovery notify.Recovery
	c.Event("recovery", &recovery)
	if connected.Recovered || !recovery.Recovered || recovery.From != since || recovery.To != since {
		t.Errorf("Socket.IO: %+v %+v", connected, recovery)
	}
	since = ahead()
	_, lines := s.Stream(url.Values{"userId": {"u1"}, "since": {since}}, nil)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), `data: {"type":"recovery"`) {
		if strings.HasPrefix(lines.Text(), "event: gap") {
			t.Error("EventSource: a gap")
		}
	}
	if !strings.Contains(lines.Text(), `"recovered":true`) {
		t.Errorf("EventSource: %s", lines.Text())
	}
	since = ahead()
	res, text := servertest.Do(t, "GET", "http://"+s.Base+"/v1/notifications?user=u1&since="+since, "",
		"Authorization: Bearer "+servertest.Key)
	if res.StatusCode != 200 || !strings.Contains(text, `"gap":false`) {
		t.Errorf("history: %d %s", res.StatusCode, text)
	}
	if n := waited.Load(); n != 3 {
		t.Errorf("%d waits, want 3", n)
	}
}
