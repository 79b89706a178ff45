package socketio

import (
	"context"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// endings collects the reasons given to OnDisconnect.
func endings(n *Namespace) chan string {
	reasons := make(chan string, 100)
	n.OnDisconnect(func(_ *Conn, reason string) { reasons <- reason })
	return reasons
}

// observedEndings collects the reasons that an observer of the Hub reads.
func observedEndings(s *testStack) chan string {
	reasons := make(chan string, 100)
	s.Hub.OnDetach(func(m *notify.Member) { reasons <- m.Owner().(*Conn).EndReason() })
	return reasons
}

// The reasons are those that a Node server reports, see testdata/node.
func TestDisconnectReasons(t *testing.T) {
	t.Parallel()
	const (
		engineError = "parse error"
		packetError = "forced close"
	)
	for name, tt := range map[string]struct {
		end  func(*testStack, *servertest.WebSocket)
		want string
	}{
		"DISCONNECT": {func(_ *testStack, c *servertest.WebSocket) {
			c.Send("41")
		}, "client namespace disconnect"},
		"close": {func(_ *testStack, c *servertest.WebSocket) {
			c.Conn.Close()
		}, "transport close"},
		"Engine.IO packet": {func(_ *testStack, c *servertest.WebSocket) {
			c.Send("9")
		}, engineError},
		"Socket.IO packet": {func(_ *testStack, c *servertest.WebSocket) {
			c.Send("4x")
		}, packetError},
		"event without an array": {func(_ *testStack, c *servertest.WebSocket) {
			c.Send("42{}")
		}, packetError},
		"second CONNECT": {func(_ *testStack, c *servertest.WebSocket) {
			c.Send(`40{"userId":"u1"}`)
		}, packetError},
		"event of another namespace": {func(_ *testStack, c *servertest.WebSocket) {
			c.Send(`42/other,["x"]`)
		}, packetError},
		"ACK of another namespace": {func(_ *testStack, c *servertest.WebSocket) {
			c.Send(`43/other,1[]`)
		}, packetError},
		"three invalid tickets": {func(_ *testStack, c *servertest.WebSocket) {
			for range 3 {
				c.Send(`40/other,{"ticket":"guess"}`)
			}
		}, packetError},
		"panic": {func(_ *testStack, c *servertest.WebSocket) {
			c.Send(`42["panic"]`)
		}, "forced close"},
		"Close": {func(s *testStack, _ *servertest.WebSocket) {
			s.sio.To().Close()
		}, "server namespace disconnect"},
		"CloseTransport": {func(s *testStack, _ *servertest.WebSocket) {
			s.sio.To().Conns()[0].CloseTransport()
		}, "server namespace disconnect"},
		"Drop": {func(s *testStack, _ *servertest.WebSocket) {
			s.sio.To().Conns()[0].Drop()
		}, "forced close"},
		"API": {func(s *testStack, _ *servertest.WebSocket) {
			s.Hub.Members()[0].Disconnect("revoked")
		}, "server namespace disconnect"},
		"Shutdown": {func(s *testStack, _ *servertest.WebSocket) {
			_ = s.sio.Shutdown(t.Context())
		}, "server shutting down"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, nil)
			reasons, observed := endings(s.sio.Of("/")), observedEndings(s)
			s.sio.Of("/").On("panic", func(context.Context, *Conn, *Event) error {
				panic("handler")
			})
			c, _ := s.Connect(`{"userId":"u1"}`)
			tt.end(s, c)
			if got := servertest.Receive(t, reasons); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if got := servertest.Receive(t, observed); got != tt.want {
				t.Errorf("observers of the Hub see %q, want %q", got, tt.want)
			}
		})
	}
}

// A dropped client gets no DISCONNECT, so it reconnects and resumes its session.
func TestDropKeepsSession(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	s.sio.To().Conns()[0].Drop()
	if got := c.Closed(); len(got) != 0 {
		t.Errorf("got %q before the close", got)
	}
	s.Gone(sid)
	c = s.Dial("")
	_, _, _, connected := c.JoinWithPid(servertest.Resume("u1", pid, offset))
	if !connected.Recovered {
		t.Error("not recovered")
	}
}

// A silent client ends as idle or, after an unanswered ping, with a ping timeout.
func TestTimeoutReasons(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"idle": {func(o *Options) {
			// A client that is slow to CONNECT would be closed before it has joined.
			o.InactiveTimeout, o.SweepInterval = 3*time.Second, 20*time.Millisecond
		}, "forced close"},
		"ping": {func(o *Options) {
			o.PingInterval, o.PingTimeout = 200*time.Millisecond, 3*time.Second
		}, "ping timeout"},
		"token": {func(o *Options) { withTokens(t)(o) }, "forced close"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, tt.change)
			reasons, observed := endings(s.sio.Of("/")), observedEndings(s)
			c := s.Dial("")
			if name == "token" {
				token := servertest.TokenFor(t, time.Now().Add(2*time.Second))
				c.Send(`40{"token":"` + token + `"}`)
			} else {
				c.Send(`40{"userId":"u1"}`)
			}
			if got := servertest.Receive(t, reasons); got != tt.want { // the client answers no ping
				t.Errorf("%q, want %q", got, tt.want)
			}
			if got := servertest.Receive(t, observed); got != tt.want {
				t.Errorf("observers of the Hub see %q, want %q", got, tt.want)
			}
		})
	}
}

// A client that sends DISCONNECT and closes the connection at once has left, although its handlers
// still run.
func TestObservedReasonOfAClientThatLeaves(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	observed := observedEndings(s)
	running, release := make(chan struct{}), make(chan struct{})
	s.sio.Of("/").On("slow", func(context.Context, *Conn, *Event) error {
		close(running)
		<-release
		return nil
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`42["slow"]`)
	servertest.Receive(t, running)
	c.Send("41")
	_ = c.Conn.Close()
	if got := servertest.Receive(t, observed); got != ReasonClientLeft {
		t.Errorf("%q, want %q", got, ReasonClientLeft)
	}
	close(release)
}
