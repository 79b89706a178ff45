package library

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// A client that closes while its middleware answers gets both "connection" and "disconnect", or
// neither.
func TestClientClosesWhileMiddlewareAnswers(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	var connections, disconnects atomic.Int64
	s.io.Use(func(client *socket.Socket, next func(*socket.ExtendedError)) {
		gone := s.f.peerOf(client).conn.Context().Done()
		if rand.N(2) == 0 {
			go func() { <-gone; next(nil) }()
			return
		}
		next(nil)
	})
	s.onConnection(func(client *socket.Socket) {
		connections.Add(1)
		_ = client.On("disconnect", func(...any) { disconnects.Add(1) })
	})
	stop := make(chan struct{})
	var looking sync.WaitGroup
	// Another goroutine looks at Sockets while the library creates them.
	looking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				s.io.FetchSockets()(func([]*socket.RemoteSocket, error) {})
			}
		}
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 40 {
				c := s.Dial("")
				c.Send(`40{"userId":"u1"}`)
				c.Conn.Close()
			}
		})
	}
	wg.Wait()
	close(stop)
	looking.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), servertest.Patience)
	defer cancel()
	if err := s.sio.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if n := disconnects.Load(); n != connections.Load() {
		t.Errorf("%d disconnects of %d connections", n, connections.Load())
	}
	if n := s.io.Sockets().Sockets().Len(); n != 0 {
		t.Errorf("%d Sockets remain", n)
	}
}

// When the transport upgrades while a middleware runs, handlers, the Hub and the API report the new
// transport.
func TestTransportAfterUpgradeDuringMiddleware(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	held, release := make(chan struct{}), make(chan struct{})
	s.io.Use(func(_ *socket.Socket, next func(*socket.ExtendedError)) {
		close(held)
		<-release
		next(nil)
	})
	seen := make(chan string, 1)
	s.onConnection(func(client *socket.Socket) { seen <- client.Conn().Transport().Name() })
	c := s.Poll()
	c.Post(`40{"userId":"u1"}`)
	servertest.Receive(t, held)
	ws := c.Upgrade()
	servertest.Eventually(t, "the session has moved", func() bool {
		return len(s.Hub.Members()) == 1 &&
			s.Hub.Members()[0].Owner().(*socketio.Conn).Transport() == "websocket"
	})
	close(release)
	if got := servertest.Receive(t, seen); got != "websocket" {
		t.Errorf("the handler sees %q", got)
	}
	connected := ""
	for connected == "" {
		if _, rest, found := strings.Cut(ws.Read(), `"sid":"`); found {
			connected, _, _ = strings.Cut(rest, `"`)
		}
	}
	// The sweep runs once a second.
	servertest.Eventually(t, "the Hub and the API report it", func() bool {
		_, view := servertest.Do(t, "GET", "http://"+s.Base+"/v1/connections/"+connected, "",
			"Authorization: Bearer "+servertest.Key)
		return s.Hub.Member("/", connected).Transport() == "websocket" &&
			strings.Contains(view, `"transport":"websocket"`)
	})
}

// A middleware that answers after its connection closed must not end the new connection either.
func TestLateMiddlewareKeepsNewConnection(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	held, release, answered := make(chan struct{}), make(chan struct{}), make(chan struct{})
	s.io.Use(func(sock *socket.Socket, next func(*socket.ExtendedError)) {
		if sock.Handshake().Auth.(map[string]any)["slow"] == nil {
			next(nil)
			return
		}
		go func() {
			defer close(answered)
			close(held)
			<-release
			next(nil)
		}()
	})
	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	c.Conn.Close()
	s.Gone(sid)
	c = s.Dial("")
	c.Send(`40{"slow":1,` + servertest.Resume("u1", pid, offset)[1:])
	servertest.Receive(t, held)
	c.Conn.Close()
	s.Gone(sid)
	servertest.Eventually(t, "the session has ended", func() bool { return s.sio.Sessions() == 0 })

	c = s.Dial("")
	sid, _, _, _ = c.JoinWithPid(servertest.Resume("u1", pid, offset))
	c.Event("recovery", nil)
	close(release)
	servertest.Receive(t, answered)
	// The library continues on a separate goroutine that the test cannot wait for.
	for range 100 {
		c.Sync()
		if s.Hub.Member("/", sid) == nil {
			break
		}
	}
	s.lives(c, sid)
}

// A client that waits for its middleware delays no other client.
func TestSlowMiddlewareDelaysNoOtherClient(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]func(s *testStack) string{
		"another new namespace": func(*testStack) string { return "/dyn-2" },
		"a handler is added": func(s *testStack) string {
			_ = s.io.Of("/dyn-1", nil).On("connection", func(...any) {})
			return "/dyn-1"
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, nil)
			held, release := make(chan struct{}), make(chan struct{})
			defer close(release)
			var taken atomic.Bool
			s.io.Of(regexp.MustCompile(`^/dyn-\d+$`),
				nil).Use(func(_ *socket.Socket, next func(*socket.ExtendedError)) {
				if taken.CompareAndSwap(false, true) {
					close(held)
					<-release
				}
				next(nil)
			})
			a, b := s.Dial(""), s.Dial("")
			a.Send(`40/dyn-1,{"userId":"a"}`)
			servertest.Receive(t, held)
			namespace := second(s)
			b.Send(fmt.Sprintf(`40%s,{"userId":"b"}`, namespace))
			_ = b.Conn.SetReadDeadline(time.Now().Add(servertest.Patience))
			_, data, err := b.Conn.ReadMessage()
			if err != nil || !strings.HasPrefix(string(data), "40"+namespace) {
				t.Fatalf("b got %q, %v", data, err)
			}
		})
	}
}
