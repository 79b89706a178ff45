package library

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

func TestEventsAreHandledInOrder(t *testing.T) {
	t.Parallel()
	const events = 5000
	s := newStack(t, nil)
	var mu sync.Mutex
	got := map[string]int{}
	_ = s.io.On("connection", func(args ...any) {
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
			c, _ := s.Connect(servertest.UserJSON(fmt.Sprint("ws", i)))
			for n := range events {
				c.Send(fmt.Sprintf(`42["n",%d]`, n))
			}
			c.Sync()
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

func TestBroadcastsArriveCompleteAndInOrder(t *testing.T) {
	t.Parallel()
	const broadcasts = 2000
	s := newStack(t, func(o *socketio.Options) { // for clients that lag
		o.Hub = servertest.HubWith(t, func(o *notify.Options) { o.HistorySize = broadcasts })
	})
	clients := make([]*servertest.WebSocket, 4)
	for i := range clients {
		clients[i], _ = s.Connect(servertest.UserJSON(fmt.Sprint("u", i)))
	}
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() {
			for want := range broadcasts {
				var n int
				if c.Event("n", &n); n != want {
					t.Errorf("client %d: got %d, want %d", i, n, want)
					return
				}
			}
		})
	}
	for n := range broadcasts {
		s.io.Emit("n", n)
	}
	wg.Wait()
}

// Emits of Go code reach EventSource streams in the same rooms.
func TestEmitsReachStreams(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	r, err := http.NewRequestWithContext(t.Context(), "GET",
		"http://"+s.Base+"/sse?userId=u1&channels=orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := servertest.HTTPClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	servertest.Eventually(t, "the stream is a member", func() bool { return s.Hub.Total() == 1 })
	ws, _ := s.Connect(`{"userId":"u2","channels":["orders"]}`)
	to := s.io.To("orders")
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
	ws.Event("one", nil)
	var one json.RawMessage
	if ws.Event("several", &one); string(one) != "1" {
		t.Errorf("several begins with %s", one)
	}

	fetched := make(chan int, 1)
	s.io.In("orders").FetchSockets()(func(all []*socket.RemoteSocket, err error) {
		fetched <- len(all)
	})
	if n := servertest.Receive(t, fetched); n != 2 {
		t.Errorf("FetchSockets found %d, want the socket and the stream", n)
	}
	s.io.In("orders").SocketsJoin("more")
	if n := len(s.Hub.Match([]string{"more"}, nil)); n != 2 {
		t.Errorf("%d joined, want both", n)
	}
	s.io.In("more").SocketsLeave("more")
	if n := len(s.Hub.Match([]string{"more"}, nil)); n != 0 {
		t.Errorf("%d remained, want none", n)
	}
	s.io.In("orders").DisconnectSockets(true)
	servertest.Eventually(t, "both have left", func() bool { return s.Hub.Total() == 0 })
}
