package library

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// A namespace function that panics counts as a refusal, which the client receives at once.
func TestNamespaceFunctionPanics(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *socketio.Options) { o.ConnectTimeout = time.Hour })
	allow := func(string, any, func(error, bool)) { panic("namespace") }
	s.io.Of(socket.ParentNspNameMatchFn(&allow), nil)
	c := s.Dial("")
	c.Send(`40/dyn,{"userId":"u1"}`)
	if got, want := c.Read(), `44/dyn,{"message":"Invalid namespace"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if n := s.sio.Panics(); n != 1 {
		t.Errorf("%d panics, want 1", n)
	}
}

// The server waits for a namespace function no longer than the CONNECT timeout.
func TestNamespaceFunctionTimesOut(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *socketio.Options) { o.ConnectTimeout = 50 * time.Millisecond })
	asked := make(chan func(error, bool), 1)
	allow := func(_ string, _ any, next func(error, bool)) { asked <- next }
	s.io.Of(socket.ParentNspNameMatchFn(&allow), nil)
	for len(asked) == 0 { // on a slow machine the server closes before the CONNECT arrives
		conn, res, err := websocket.DefaultDialer.Dial("ws://"+s.Base+
			"/socket.io/?EIO=4&transport=websocket", nil)
		if err != nil {
			continue
		}
		_ = res.Body.Close()
		_ = conn.WriteMessage(websocket.TextMessage, []byte(`40/dyn,{"userId":"u1"}`))
		for packet := []byte(nil); err == nil; _, packet, err = conn.ReadMessage() {
			if strings.HasPrefix(string(packet), "40") {
				t.Errorf("got %s", packet)
			}
		}
		_ = conn.Close()
	}
	next := <-asked
	next(nil, true) // too late
	servertest.Eventually(t, "no member remains", func() bool { return len(s.Hub.Members()) == 0 })
}

// The adapter of a dynamic namespace ends with it, so its listeners do not run for the next one.
func TestEndedNamespaceDropsItsListeners(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	var seen notes
	_ = s.io.On("new_namespace", func(args ...any) {
		_ = args[0].(socket.Namespace).Adapter().On("join-room", func(args ...any) {
			seen.add(string(args[0].(socket.Room)))
		})
	})
	_ = s.io.Of(regexp.MustCompile(`^/dyn-\d+$`), nil).On("connection", func(args ...any) {
		args[0].(*socket.Socket).Join("r")
	})
	for range 2 {
		c := s.Dial("")
		c.Send(`40/dyn-1,{"userId":"u1"}`)
		c.Read()
		servertest.Eventually(t, "the room is joined", func() bool {
			return len(s.Hub.Match([]string{"/dyn-1#r"}, nil)) == 1
		})
		c.Conn.Close()
		servertest.Eventually(t, "the namespace has ended", func() bool {
			_, watched := s.f.watchers.Load("/dyn-1")
			_, known := s.f.namespaces.Load("/dyn-1")
			return !watched && !known
		})
	}
	rooms := 0
	for _, room := range seen.all() {
		if room == "r" {
			rooms++
		}
	}
	if rooms != 2 {
		t.Errorf("seen %q, want r twice", seen.all())
	}
}

// Without a cluster there is no other server, so both the caller and the log get an error.
func TestServerSideEmitIsRefused(t *testing.T) {
	t.Parallel()
	log, lines := servertest.NewLog()
	s := newStack(t, func(o *socketio.Options) { o.Log = log })
	const want = "there is no other server to emit to: this server is not part of a cluster"
	for name, err := range map[string]error{
		"ServerSideEmit": s.io.ServerSideEmit("x", 1),
		"ServerSideEmitWithAck": s.io.ServerSideEmitWithAck("x")(func([]any, error) {
			t.Error("acknowledged")
		}),
		"of a namespace": s.io.Of("/n", nil).ServerSideEmit("x"),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	refused := 0
	for _, line := range lines.Lines(t) {
		if line["level"] == "error" && line["msg"] == "refused ServerSideEmit" &&
			line["error"] == want {
			refused++
		}
	}
	if refused != 3 {
		t.Errorf("%d log lines, want 3:\n%s", refused, lines.Text())
	}
}

// socket.conn.close() and io.close() send no DISCONNECT, as in Node, so that the clients reconnect.
func TestClosedConnectionsGetNoDisconnect(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		end  func(*testStack, *socket.Socket)
		want string
	}{
		"Conn().Close": {func(_ *testStack, client *socket.Socket) {
			client.Conn().Close(false)
		}, "forced close"},
		"Server.Close": {func(s *testStack, _ *socket.Socket) {
			s.io.Close(nil)
		}, "server shutting down"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, nil)
			clients, ends := make(chan *socket.Socket, 1), make(chan string, 2)
			s.onConnection(func(client *socket.Socket) {
				_ = client.On("disconnect", func(args ...any) { ends <- args[0].(string) })
				clients <- client
			})
			c, _ := s.Connect(`{"userId":"u1"}`)
			client := servertest.Receive(t, clients)
			servertest.Receive(t, s.f.peerOf(client).endings.joined)
			tt.end(s, client)
			if got := c.Closed(); len(got) != 0 {
				t.Errorf("got %q before the close", got)
			}
			if reason := servertest.Receive(t, ends); reason != tt.want {
				t.Errorf("the reason is %q, want %q", reason, tt.want)
			}
		})
	}
}

// The handlers receive an event that arrived before the client closed, even when the "connection"
// handler took longer.
func TestEventsBeforeCloseAreHandled(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	entered, handled := make(chan struct{}), make(chan struct{})
	s.onConnection(func(client *socket.Socket) {
		close(entered)
		<-s.f.peerOf(client).conn.Context().Done() // such as a slow database query
		_ = client.On("last words", func(...any) { close(handled) })
	})
	c := s.Dial("")
	c.Send(`40{"userId":"u1"}`)
	c.Send(`42["last words"]`)
	servertest.Receive(t, entered)
	c.Read() // the CONNECT reply; the event after it is in the inbox or on the wire
	c.Conn.Close()
	select {
	case <-handled:
	case <-time.After(servertest.Patience):
		t.Error("the event was lost")
	}
}

// Mount accepts a nil log.
func TestMountWithoutLog(t *testing.T) {
	t.Parallel()
	if err := Mount(newStack(t, nil).sio, nil).ServerSideEmit("x"); err == nil {
		t.Error("ServerSideEmit was not refused")
	}
}
