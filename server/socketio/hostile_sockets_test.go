package socketio

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// A message over the limit closes its connection with the matching close code, at the limit that
// the handshake announces, without extra memory.
func TestOversizeMessagesOnEveryTransport(t *testing.T) {
	s := newStack(t, nil)
	const limit = 1_000_000
	event := func(size int) string {
		const start, end = `42["custom-event","`, `"]`
		return start + strings.Repeat("x", size-len(start)-len(end)) + end
	}
	before := servertest.Heap()
	for range 2 {
		c, _ := s.Connect(`{"userId":"u1"}`)
		c.Send(event(limit))
		c.Event("custom-event-response", nil)
		c.Send(event(limit + 2)) // the first byte belongs to the transport
		var closed *websocket.CloseError
		_, err := c.Next()
		if !errors.As(err, &closed) || closed.Code != websocket.CloseMessageTooBig {
			t.Errorf("websocket: %v", err)
		}

		p := s.Poll()
		p.Post(`40{"userId":"u1"}`)
		res, text := servertest.Do(t, "POST", p.URL, event(limit+1))
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("polling: %d %s", res.StatusCode, text)
		}
		if res, _ := servertest.Do(t, "GET", p.URL, ""); res.StatusCode != http.StatusBadRequest {
			t.Errorf("after it, the session answers %d", res.StatusCode)
		}
	}
	servertest.Eventually(t, "all have left", func() bool {
		return s.Hub.Total() == 0 && s.sio.engine.Len() == 0
	})
	if grown := servertest.Heap() - before; grown > 2<<20 {
		t.Errorf("%d KiB remain in use", grown>>10)
	}
	s.Alive()
}

// A payload of half a million packets obeys the limits: the server handles its packets in order
// with no more memory than its bytes, or closes the session.
func TestPayloadOfManyPackets(t *testing.T) {
	s := newStack(t, func(o *Options) { o.RateInterval = time.Hour })
	for name, body := range map[string]string{
		"noops":           strings.Repeat("6\x1e", 499_999) + "6",
		"pongs":           strings.Repeat("3\x1e", 499_999) + "3",
		"empty messages":  strings.Repeat("4\x1e", 499_999) + "4",
		"empty binaries":  strings.Repeat("b\x1e", 499_999) + "b",
		"acknowledgments": strings.Repeat("431[]\x1e", 166_000) + "431[]",
		"namespaces":      strings.Repeat("40/x,\x1e", 166_000) + "40/x,",
		"separators":      strings.Repeat("\x1e", 1_000_000),
	} {
		p := s.Poll()
		p.Post(`40{"userId":"u1"}`)
		peak, stop := servertest.WatchHeap()
		res, text := servertest.Do(t, "POST", p.URL, body)
		stop()
		if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, res.StatusCode, text)
		}
		if grown := peak(); grown > 16<<20 {
			t.Errorf("%s: the heap grew by %d KiB", name, grown>>10)
		}
		s.Alive()
	}
}

// Packets that the protocol does not allow end their session over polling as well.
func TestMalformedPacketsOverPolling(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	sessions := map[string]string{} // the packet sent, by the URL of the session that must end
	for _, in := range []string{
		"42", "450-", "43", "431", "42{}", `42["connect"]`, "44{}", "48", "4", "420", "42[null]",
		`41x`, `40[]`, `40"x"`,
		"4510000000000-[\"x\"]", `450-["x"]`, `4511-["x"]`, `45-1-["x"]`, `42/nowhere,["x"]`,
		`41/nowhere,`, `43/nowhere,1[]`,
		`42["x",` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `]`,
		`451-["x",{"_placeholder":true,"num":1}]` + "\x1ebAA==",
		`451-["x",{"_placeholder":true,"num":-1}]` + "\x1ebAA==",
		`451-["x",{"_placeholder":true,"num":0}]` + "\x1e" + `42["y"]`, "bAA==",
		"0{}", "2", "2probe", "5", "7", "", "\x1e", "4x\x1e", "b!",
	} {
		p := s.Poll()
		p.Post(`40{"userId":"u1"}`)
		// The response is "ok" when the packet is complete but its content is invalid.
		_, _ = servertest.Do(t, "POST", p.URL, in)
		sessions[p.URL] = in
	}
	servertest.Eventually(t, "all members are gone", func() bool { return s.Hub.Total() == 0 })
	for url, in := range sessions {
		// Packets that were queued earlier come first.
		for end := time.Now().Add(servertest.Patience); ; {
			res, text := servertest.Do(t, "GET", url, "")
			if res.StatusCode == http.StatusBadRequest {
				break
			}
			if time.Now().After(end) {
				t.Errorf("%.40q did not end its session, which answers %d %s", in, res.StatusCode,
					text)
				break
			}
		}
	}
	if n := s.sio.Panics(); n != 0 {
		t.Errorf("%d panics", n)
	}
	s.Alive()
}

// The server closes clients that never send CONNECT, over both transports. Meanwhile it serves
// other clients.
func TestSilentCrowdOnEveryTransport(t *testing.T) {
	t.Parallel()
	crowd, limit := servertest.Soaked(100)/2, time.Second // of each transport
	soak := crowd > 50
	if soak { // the figures of the default, on a machine that is not busy
		limit = DefaultOptions().ConnectTimeout
	}
	s := newStack(t, func(o *Options) { o.ConnectTimeout = limit })
	var sids []string
	for range crowd {
		c := s.Dial("")
		go func() { _, _ = io.Copy(io.Discard, c.Conn.NetConn()) }() // ends with the connection
		sids = append(sids, s.Poll().URL)
		start := time.Now()
		s.Alive()
		if took := time.Since(start); soak && took > 100*time.Millisecond {
			t.Errorf("a client connects in %v", took)
		}
	}
	last := time.Now()
	servertest.Eventually(t, "the crowd is gone", func() bool {
		return s.sio.engine.Len() == 0 && len(s.sio.clients.all()) == 0
	})
	took := time.Since(last)
	t.Logf("%d clients are gone %v after the last has opened", 2*crowd, took)
	if soak && took > limit+time.Second {
		t.Errorf("want at most a second after %v", limit)
	}
	for _, url := range sids[:10] {
		res, text := servertest.Do(t, "GET", url, "")
		if res.StatusCode == http.StatusOK && text != "1" && text != "6" {
			t.Errorf("a session that never connected answers %q", text)
		}
	}
	s.Alive()
}

// A client that answers every ping but reads nothing costs only its socket buffer and its entries
// in the inbox. Other clients receive everything.
func TestDeafClientsCostLittle(t *testing.T) {
	const published, size = 400, 32 << 10
	s := newStack(t, func(o *Options) {
		o.Hub = servertest.HubWith(t, func(o *notify.Options) { o.HistorySize = 16 })
	})
	reader, _ := s.Connect(`{"userId":"reader"}`)
	stopPongs := make(chan struct{})
	var pongs sync.WaitGroup
	defer pongs.Wait()
	defer close(stopPongs)
	const deaf = 5
	for range deaf {
		c, _ := s.Connect(`{"userId":"deaf"}`)
		if err := c.Conn.NetConn().(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
			t.Fatal(err)
		}
		pongs.Go(func() {
			for tick := time.NewTicker(20 * time.Millisecond); ; {
				select {
				case <-stopPongs:
					tick.Stop()
					return
				case <-tick.C:
					if c.Conn.WriteMessage(websocket.TextMessage, []byte("3")) != nil {
						return
					}
				}
			}
		})
	}
	data := servertest.JSON(strings.Repeat("x", size))
	publish := func(n int) {
		for range n {
			_, err := s.Hub.Publish(t.Context(), notify.Notification{Type: "n", Data: data},
				notify.ToAll())
			if err != nil {
				t.Fatal(err)
			}
			reader.Event("n", nil)
		}
	}
	publish(published / 4) // the history and all buffers are full
	before := servertest.Heap()
	publish(published * 3 / 4)
	if grown := servertest.Heap() - before; grown > 2<<20 {
		t.Errorf("the heap grew by %d KiB for %d clients that do not read", grown>>10, deaf)
	}
	for _, m := range s.Hub.Members() { // on a slow machine some were closed for reading too slowly
		if m.UserID() == "deaf" && !m.Lagging() {
			t.Errorf("the client %s does not lag", m.ClientID())
		}
	}
}
