package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/notify"
)

func TestEventsAreHandledInOrder(t *testing.T) {
	const events = 5000
	s := newStack(t, nil)
	var mu sync.Mutex
	got := map[string]int{}
	_ = s.sio.IO().On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		user := client.Handshake().Auth.(map[string]any)["userId"].(string)
		_ = client.On("n", func(args ...any) {
			mu.Lock()
			defer mu.Unlock()
			if want := got[user]; int(args[0].(float64)) != want {
				t.Errorf("%s: got %v, want %d", user, args[0], want)
			}
			got[user]++
		})
	})
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			c, _ := s.connect(userJSON(fmt.Sprint("ws", i)))
			for n := range events {
				c.send(fmt.Sprintf(`42["n",%d]`, n))
			}
			c.sync()
		})
	}
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	for user, n := range got {
		if n != events {
			t.Errorf("%s: %d of %d events were handled", user, n, events)
		}
	}
}

// A slow handler holds its own client back, by the 64 packets that may wait.
func TestBackPressure(t *testing.T) {
	s := newStack(t, nil)
	release := make(chan struct{})
	handled := make(chan struct{}, 1000)
	_ = s.sio.IO().On("connection", func(args ...any) {
		_ = args[0].(*socket.Socket).On("slow", func(...any) { handled <- struct{}{}; <-release })
	})
	c, _ := s.connect(`{"userId":"u1"}`)
	for range 200 {
		c.send(`42["slow"]`)
	}
	<-handled
	var l *link
	for _, l = range s.sio.links.all() {
	}
	eventually(t, "the inbox is full", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.inbox) == maxUnhandled
	})
	s.alive() // others go on
	close(release)
	c.sync()
	if n := len(handled); n != 199 {
		t.Errorf("%d events were handled after the first, want 199", n)
	}
}

func TestBroadcastsArriveCompleteAndInOrder(t *testing.T) {
	const broadcasts = 2000
	s := newStack(t, func(o *Options) { // who lags must find all of it
		o.Hub = hubWith(t, func(o *notify.Options) { o.HistorySize = broadcasts })
	})
	clients := make([]*wsClient, 4)
	for i := range clients {
		clients[i], _ = s.connect(userJSON(fmt.Sprint("u", i)))
	}
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() {
			for want := range broadcasts {
				var n int
				if c.event("n", &n); n != want {
					t.Errorf("client %d: got %d, want %d", i, n, want)
					return
				}
			}
		})
	}
	for n := range broadcasts {
		s.sio.IO().Emit("n", n)
	}
	wg.Wait()
}

// What Go code emits reaches EventSource streams, which are in the same rooms.
func TestEmitsReachStreams(t *testing.T) {
	s := newStack(t, nil)
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.base+"/sse?userId=u1&channels=orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := testClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	eventually(t, "the stream is a member", func() bool { return s.hub.Total() == 1 })
	ws, _ := s.connect(`{"userId":"u2","channels":["orders"]}`)
	to := s.sio.IO().To("orders")
	_ = to.Emit("one", map[string]any{"a": 1})
	_ = to.Emit("several", 1, "two")
	_ = to.Emit("binary", []byte("abc"))
	_ = to.Emit("end")
	want := []string{
		`event: one` + "\n" + `data: {"a":1}`, `event: several` + "\n" + `data: [1,"two"]`,
		`event: binary` + "\n" + `data: "YWJj"`, `event: end` + "\n" + `data: null`,
	}
	var stream strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(stream.String(), "event: end") {
		n, err := res.Body.Read(buf)
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		stream.Write(buf[:n])
	}
	for _, w := range want {
		if !strings.Contains(stream.String(), w) {
			t.Errorf("the stream lacks %q:\n%s", w, stream.String())
		}
	}
	ws.event("one", nil)
	var one json.RawMessage
	if ws.event("several", &one); string(one) != "1" {
		t.Errorf("several begins with %s", one)
	}

	fetched := make(chan int, 1)
	s.sio.IO().In("orders").FetchSockets()(func(all []*socket.RemoteSocket, err error) { fetched <- len(all) })
	if n := <-fetched; n != 2 {
		t.Errorf("FetchSockets found %d, want the socket and the stream", n)
	}
	s.sio.IO().In("orders").SocketsJoin("more")
	if n := len(s.hub.Match([]string{"more"}, nil)); n != 2 {
		t.Errorf("%d joined, want both", n)
	}
	s.sio.IO().In("more").SocketsLeave("more")
	if n := len(s.hub.Match([]string{"more"}, nil)); n != 0 {
		t.Errorf("%d stayed, want none", n)
	}
	s.sio.IO().In("orders").DisconnectSockets(true)
	eventually(t, "both are gone", func() bool { return s.hub.Total() == 0 })
}

func TestShutdownSendsNoDisconnect(t *testing.T) {
	s := newStack(t, nil)
	c, _ := s.connect(`{"userId":"u1"}`)
	done := make(chan error, 1)
	go func() {
		ctx, cancel := withTimeout(t, 5*time.Second)
		defer cancel()
		done <- s.sio.Shutdown(ctx)
	}()
	for _, text := range c.closed() {
		if strings.HasPrefix(text, "41") {
			t.Error("got a DISCONNECT: the client would not come back")
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
