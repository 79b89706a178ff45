package library

import (
	"context"
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

// lives checks that the Hub and the library both have a client, and that a notification reaches it.
func (s *testStack) lives(c *servertest.WebSocket, sid string) {
	s.T.Helper()
	if s.Hub.Member("/", sid) == nil {
		s.T.Error("the connection has no member: nothing will reach it")
	}
	if _, listed := s.io.Sockets().Sockets().Load(socket.SocketId(sid)); !listed {
		s.T.Error("the connection's Socket is not in its namespace")
	}
	if s.T.Failed() {
		s.T.FailNow()
	}
	s.Publish(`{"target":{"client":"` + sid + `"},"type":"n","data":1}`)
	c.Event("n", nil)
}

// A handler of a closed connection may still run after another connection has resumed the session.
// Its return must not end the new connection.
func TestSlowHandlerOfOldConnectionKeepsNewOne(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	started, release, ended := make(chan struct{}), make(chan struct{}), make(chan struct{}, 1)
	_ = s.io.On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		_ = client.On("work", func(...any) { close(started); <-release })
		_ = client.On("disconnect", func(...any) { ended <- struct{}{} })
	})
	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	c.Send(`42["work"]`)
	servertest.Receive(t, started)
	c.Conn.Close()
	s.Gone(sid)

	c = s.Dial("")
	sid, _, _, _ = c.JoinWithPid(servertest.Resume("u1", pid, offset))
	c.Event("recovery", nil)
	close(release)
	servertest.Receive(t, ended)
	s.lives(c, sid)
}

// When two connections resume the same session at the same moment, the later one gets it with
// everything in it. The server closes the other, so that its client reconnects.
func TestConcurrentResumes(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	c.Conn.Close()
	s.Gone(sid)

	gate := make(chan struct{})
	s.io.Use(func(_ *socket.Socket, next func(*socket.ExtendedError)) {
		<-gate // both begin before either is accepted
		next(nil)
	})
	both := []*servertest.WebSocket{s.Dial(""), s.Dial("")}
	for _, c := range both {
		c.Send("40" + servertest.Resume("u1", pid, offset))
	}
	servertest.Eventually(t, "one of them holds the session", func() bool {
		return s.Hub.Member("/", sid) != nil
	})
	close(gate)

	ended := make(chan *servertest.WebSocket, 2)
	for _, c := range both {
		go func() {
			for {
				text, err := c.Next()
				if strings.HasPrefix(text, "44") {
					t.Errorf("the client does not reconnect after %s", text)
				}
				if err != nil || strings.HasPrefix(text, `42["done"`) {
					ended <- c
					return
				}
			}
		}()
	}
	servertest.Receive(t, ended) // the connection that was replaced
	servertest.Eventually(t, "the other has the session", func() bool {
		m := s.Hub.Member("/", sid)
		return m != nil && s.sio.Sessions() == 1
	})
	_ = s.io.To(socket.Room(sid)).Emit("done")
	servertest.Receive(t, ended)
}

// A Socket that joins while its transport closes must not stay in its namespace.
func TestSocketThatJoinsDuringCloseIsRemoved(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	admin := s.io.Of("/admin", nil)
	admin.Use(func(_ *socket.Socket, next func(*socket.ExtendedError)) {
		s.io.DisconnectSockets(true) // as the API does for a user
		next(nil)
	})
	c := s.Poll()
	c.Post(`40{"userId":"u1"}`)
	c.Get()
	c.Post(`40/admin,{"userId":"u1"}`) // without a GET, for which the close waits a second
	servertest.Eventually(t, "the session has ended", func() bool { return s.sio.Sessions() == 0 })
	servertest.Eventually(t, "no member remains", func() bool { return len(s.Hub.Members()) == 0 })
	servertest.Eventually(t, "no Socket remains in the namespace", func() bool {
		return admin.Sockets().Len() == 0
	})
}

// A dynamic namespace whose last client leaves while another client connects remains for that
// client.
func TestDynamicNamespaceRemainsForConnectingClient(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	held, release := make(chan struct{}), make(chan struct{})
	parent := s.io.Of(regexp.MustCompile(`^/dyn-\d+$`), nil)
	parent.Use(func(sock *socket.Socket, next func(*socket.ExtendedError)) {
		if sock.Handshake().Auth.(map[string]any)["userId"] == "b" {
			go func() { close(held); <-release; next(nil) }()
			return
		}
		next(nil)
	})
	a, b := s.Dial(""), s.Dial("")
	a.Send(`40/dyn-1,{"userId":"a"}`)
	a.Read()
	b.Send(`40/dyn-1,{"userId":"b"}`)
	servertest.Receive(t, held)
	a.Send(`41/dyn-1,`)
	servertest.Eventually(t, "a has left", func() bool {
		return len(s.Hub.Match([]string{"/dyn-1#user:a", "/dyn-1#*"}, nil)) == 1
	})
	close(release)
	if got := b.Read(); !strings.HasPrefix(got, "40/dyn-1,{") {
		t.Fatalf("b got %s", got)
	}
	_ = parent.Emit("all", 1)
	_ = b.Conn.SetReadDeadline(time.Now().Add(servertest.Patience))
	_, data, err := b.Conn.ReadMessage()
	if err != nil || !strings.HasPrefix(string(data), `42/dyn-1,["all",1`) {
		t.Fatalf("b got %q, %v; want what the parent namespace emits", data, err)
	}
}

// A disconnect through the API ends a connection that still waits for a middleware.
func TestDisconnectEndsConnectingClient(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *socketio.Options) { o.ConnectTimeout = time.Minute })
	held, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	s.io.Use(func(_ *socket.Socket, next func(*socket.ExtendedError)) {
		go func() { close(held); <-release; next(nil) }()
	})
	c := s.Dial("")
	c.Send(`40{"userId":"u1"}`)
	servertest.Receive(t, held)
	for _, m := range s.Hub.Members() {
		m.Disconnect("revoked")
	}
	servertest.Eventually(t, "the connection is closed", func() bool {
		return s.sio.Sessions() == 0
	})
}

// Another goroutine disconnects a Socket as soon as the namespace lists it. Each "connection" still
// has exactly one "disconnect".
func TestDisconnectWhileConnecting(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	var connections, disconnects atomic.Int64
	_ = s.io.On("connection", func(args ...any) {
		connections.Add(1)
		_ = args[0].(*socket.Socket).On("disconnect", func(...any) { disconnects.Add(1) })
	})
	stop := make(chan struct{})
	var others sync.WaitGroup
	for _, all := range []bool{true, false} {
		disconnect := func(_ socket.SocketId, sock *socket.Socket) bool {
			sock.Disconnect(all)
			return true
		}
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					s.io.Sockets().Sockets().Range(disconnect)
				}
			}
		})
	}
	for range servertest.Soaked(30) {
		c := s.Dial("")
		c.Send(`40{"userId":"u1"}`)
		_, _ = c.Next()
		c.Conn.Close()
	}
	close(stop)
	others.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), servertest.Patience)
	defer cancel()
	if err := s.sio.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if n := disconnects.Load(); n != connections.Load() {
		t.Errorf("%d disconnects of %d connections", n, connections.Load())
	}
	if n := s.io.Sockets().Sockets().Len(); n != 0 {
		t.Errorf("%d Sockets remain in the namespace", n)
	}
}
