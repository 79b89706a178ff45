package socketio

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// A connect handler that exceeds its time ends its client's connection and delays no other. If it
// accepts the client later, it still gets the disconnect.
func TestConnectHandlerTimesOut(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.ConnectTimeout = 100 * time.Millisecond })
	entered, release := make(chan context.Context, 1), make(chan struct{})
	n := s.sio.Of("/slow")
	n.OnConnect(func(ctx context.Context, _ *Conn) error {
		entered <- ctx
		<-release
		return nil
	})
	reasons := endings(n)
	var c *servertest.WebSocket
	for len(entered) == 0 { // on a slow machine the server closes before the CONNECT arrives
		c = s.Dial("")
		_ = c.Conn.WriteMessage(1, []byte(`40/slow,{"userId":"u1"}`))
		servertest.Eventually(t, "the handler runs, or the client is closed", func() bool {
			return len(entered) > 0 || s.sio.Sessions() == 0
		})
	}
	ctx := <-entered
	s.Alive()
	if got := c.Closed(); len(got) != 0 {
		t.Errorf("got %q before the close", got)
	}
	<-ctx.Done()
	servertest.Eventually(t, "no user is counted", func() bool { return len(s.Hub.Members()) == 0 })
	s.Alive()
	close(release)
	if got := servertest.Receive(t, reasons); got != ReasonForcedClose {
		t.Errorf("the reason is %q", got)
	}
	if len(reasons) > 0 {
		t.Error("called twice")
	}
}

// A connect handler that returns when its context ends closes the connection, as one that hangs
// does.
func TestConnectHandlerThatEndsWithItsContext(t *testing.T) {
	t.Parallel()
	// Long enough for a slow machine to open a connection.
	s := newStack(t, func(o *Options) { o.ConnectTimeout = 3 * time.Second })
	s.sio.Of("/slow").OnConnect(func(ctx context.Context, _ *Conn) error {
		<-ctx.Done()
		return ctx.Err()
	})
	for range 30 {
		c := s.Dial("")
		c.Send(`40/slow,{"userId":"u1"}`)
		t.Cleanup(func() { c.Closed() })
	}
	servertest.Eventually(t, "all are closed", func() bool { return s.sio.Sessions() == 0 })
}

// The context of a connect handler ends with the connection, so that a slow query can stop.
func TestConnectHandlerContext(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	entered, ended := make(chan struct{}), make(chan error, 1)
	s.sio.Of("/").OnConnect(func(ctx context.Context, _ *Conn) error {
		close(entered)
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	})
	reasons := endings(s.sio.Of("/"))
	c := s.Dial("")
	c.Send(`40{"userId":"u1"}`)
	servertest.Receive(t, entered)
	c.Conn.Close()
	if err := servertest.Receive(t, ended); !errors.Is(err, context.Canceled) {
		t.Errorf("ctx ends with %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), servertest.Patience)
	defer cancel()
	if err := s.sio.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if len(reasons) > 0 {
		t.Error("a client that was not let in has a disconnect")
	}
}

// When the transport upgrades while a connect handler runs, handlers, the Hub and the API report
// the new transport.
func TestTransportAfterUpgradeDuringConnect(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	held, release := make(chan *Conn, 1), make(chan struct{})
	s.sio.Of("/").OnConnect(func(_ context.Context, c *Conn) error {
		held <- c
		<-release
		return nil
	})
	c := s.Poll()
	c.Post(`40{"userId":"u1"}`)
	conn := servertest.Receive(t, held)
	if got := conn.Transport(); got != "polling" {
		t.Errorf("the transport is %s before the upgrade", got)
	}
	ws := c.Upgrade()
	servertest.Eventually(t, "the session has moved", func() bool {
		return conn.Transport() == "websocket"
	})
	close(release)
	expectPackets(t, ws, `40{"sid":`, `42["connected",`)
	// The sweep runs once a second.
	servertest.Eventually(t, "the Hub and the API report it", func() bool {
		_, view := servertest.Do(t, "GET", "http://"+s.Base+"/v1/connections/"+conn.ID(), "",
			"Authorization: Bearer "+servertest.Key)
		return conn.member.Transport() == "websocket" &&
			strings.Contains(view, `"transport":"websocket"`) &&
			s.Hub.Stats().ByTransport["websocket"] == 1
	})
}
