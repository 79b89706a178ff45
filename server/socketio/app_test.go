package socketio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// calls records the calls of applications.
type calls struct {
	mu    sync.Mutex
	lines []string
}

func (c *calls) add(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, fmt.Sprintf(format, args...))
}

// take returns the recorded lines and clears them.
func (c *calls) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := c.lines
	c.lines = nil
	return lines
}

// testApp records its calls. It handles the events in handles.
type testApp struct {
	name    string
	calls   *calls
	connect func(ctx context.Context, c *Conn) error // nil: accepts every client
	handles []string
}

func (a *testApp) Connect(ctx context.Context, c *Conn) error {
	a.calls.add("%s connect", a.name)
	if a.connect != nil {
		return a.connect(ctx, c)
	}
	return nil
}

func (a *testApp) Event(_ context.Context, _ *Conn, e *Event) bool {
	a.calls.add("%s event %s", a.name, e.Name)
	return slices.Contains(a.handles, e.Name)
}

func (a *testApp) Disconnect(_ *Conn, reason string) { a.calls.add("%s %s", a.name, reason) }

// testObserver is a testApp that also observes events.
type testObserver struct{ testApp }

func (a *testObserver) Observe(_ context.Context, _ *Conn, e *Event) {
	a.calls.add("%s observes %s", a.name, e.Name)
}

// expect compares the calls since the last call of expect or take.
func (c *calls) expect(t testing.TB, want ...string) {
	t.Helper()
	if got := c.take(); !slices.Equal(got, want) {
		t.Errorf("called\n%q, want\n%q", got, want)
	}
}

// The server calls the applications of a namespace in the order in which they were mounted. The
// first application that handles an event ends the search, and observers then receive the event.
func TestApplicationsRunInOrder(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	called := &calls{}
	in := func(namespaces ...string) func(string) bool {
		return func(name string) bool { return slices.Contains(namespaces, name) }
	}
	s.sio.Mount(&testObserver{testApp{name: "a", calls: called, handles: []string{"x"}}}, in("/", "/n"))
	s.sio.Mount(&testApp{name: "b", calls: called, handles: []string{"x", "y"}}, in("/n"))
	s.sio.Mount(&testObserver{testApp{name: "c", calls: called}}, nil)
	s.sio.Mount(&testApp{name: "d", calls: called, connect: func(context.Context, *Conn) error {
		return fmt.Errorf("d: %w", ErrNotServed)
	}}, nil)

	c := s.Dial("")
	c.Send(`40/n,{"userId":"u1"}`)
	expectPackets(t, c, "40/n,")
	called.expect(t, "a connect", "b connect", "c connect", "d connect")
	for _, tt := range []struct {
		in, reply string
		want      []string
	}{
		{`["x"]`, "", []string{"a event x", "c observes x"}},
		{`["y"]`, "", []string{"a event y", "b event y", "c observes y"}},
		{`1["z"]`, `43/n,1[{"error":{"code":"unknown_event"}}]`, []string{"a event z", "b event z", "c event z"}},
	} {
		c.Send("42/n," + tt.in)
		if tt.reply != "" {
			expectPackets(t, c, tt.reply)
		} else {
			c.Send(`42/n,9["sync"]`)
			expectPackets(t, c, "43/n,9[")
			tt.want = append(tt.want, "a event sync", "b event sync", "c event sync")
		}
		called.expect(t, tt.want...)
	}
	c.Send("41/n,")
	c.Join(`{"userId":"u1"}`) // after the DISCONNECT
	called.expect(t, "a client namespace disconnect", "b client namespace disconnect", "c client namespace disconnect",
		"a connect", "c connect", "d connect")
	c.Send(`421["custom-event",{}]`) // a built-in event
	c.Event("custom-event-response", nil)
	expectPackets(t, c, "431[")
	called.expect(t, "a observes custom-event", "c observes custom-event")
}

// A namespace that all applications refuse does not exist.
func TestUnservedNamespace(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	called := &calls{}
	s.sio.Mount(&testApp{name: "a", calls: called, connect: func(context.Context, *Conn) error { return ErrNotServed }}, nil)
	s.sio.Mount(&testApp{name: "b", calls: called}, func(string) bool { return false })
	c := s.Dial("")
	c.Send(`40/n,{"userId":"u1"}`)
	expectExactly(t, c, `44/n,{"message":"Invalid namespace"}`)
	c.Join(`{"userId":"u1"}`) // the built-in application serves "/"
	called.expect(t, "a connect", "a connect")
}

// When a later application refuses a client, in any way, each application that accepted it gets one
// Disconnect.
func TestRefusalDisconnectsEarlierApplications(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		refuse func(context.Context, *Conn) error
		want   string
	}{
		"error":             {func(context.Context, *Conn) error { return Refuse("no", nil) }, `44{"message":"no"}`},
		"panic":             {func(context.Context, *Conn) error { panic("no") }, `44{"message":"Internal error","data":{"code":"internal"}}`},
		"close, then error": {func(_ context.Context, c *Conn) error { c.Close(); return Refuse("no", nil) }, `44{"message":"no"}`},
		"emit, then error": {func(_ context.Context, c *Conn) error {
			return errors.Join(c.Emit("secret"), c.AskFunc("secret", func(Answer, error) {}), Refuse("no", nil))
		}, `44{"message":"no"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, nil)
			called := &calls{}
			s.sio.Mount(&testApp{name: "a", calls: called}, nil)
			s.sio.Mount(&testApp{name: "b", calls: called, connect: tt.refuse}, nil)
			s.sio.Mount(&testApp{name: "c", calls: called}, nil)
			c := s.Dial("")
			c.Send(`40{"userId":"u1"}`)
			expectExactly(t, c, tt.want)
			c.Conn.Close()
			servertest.Eventually(t, "the session is over", func() bool { return s.sio.Sessions() == 0 })
			ctx, cancel := context.WithTimeout(t.Context(), servertest.Patience)
			defer cancel()
			if err := s.sio.Shutdown(ctx); err != nil {
				t.Error(err)
			}
			called.expect(t, "a connect", "b connect", "a server namespace disconnect")
			if n := s.sio.ending.len(); n != 0 {
				t.Errorf("%d Conns are still ending", n)
			}
		})
	}
}

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
	c := s.Dial("")
	c.Send(`40/slow,{"userId":"u1"}`)
	ctx := servertest.Receive(t, entered)
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
	servertest.Eventually(t, "the session has moved", func() bool { return conn.Transport() == "websocket" })
	close(release)
	expectPackets(t, ws, `40{"sid":`, `42["connected",`)
	servertest.Eventually(t, "the Hub and the API report it", func() bool { // the sweep runs once a second
		_, view := servertest.Do(t, "GET", "http://"+s.Base+"/v1/connections/"+conn.ID(), "", "Authorization: Bearer "+servertest.Key)
		return conn.member.Transport() == "websocket" && strings.Contains(view, `"transport":"websocket"`) &&
			s.Hub.Stats().ByTransport["websocket"] == 1
	})
}

// A panic in any handler ends the connection in which it happened, and no other.
func TestPanicEndsOneConnection(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	root := s.sio.Of("/")
	root.OnConnect(func(_ context.Context, c *Conn) error {
		if c.Identity().UserID == "connect" {
			panic("connect")
		}
		return nil
	})
	root.On("panic", func(context.Context, *Conn, *Event) error { panic("handler") })
	root.On("do", func(_ context.Context, c *Conn, _ *Event) error { c.Do(func() { panic("do") }); return nil })
	root.On("ask", func(_ context.Context, c *Conn, _ *Event) error {
		return c.AskFunc("question", func(Answer, error) { panic("answer") })
	})
	var disconnects calls
	root.OnDisconnect(func(c *Conn, _ string) {
		if c.Identity().UserID == "disconnect" {
			panic("disconnect")
		}
	})
	root.OnDisconnect(func(c *Conn, _ string) { disconnects.add("%s", c.Identity().UserID) })
	other, _ := s.Connect(`{"userId":"other"}`)

	c := s.Dial("")
	c.Send(`40{"userId":"connect"}`)
	expectPackets(t, c, `44{"message":"Internal error"`)
	for _, packet := range []string{`42["panic"]`, `42["do"]`, `42["ask"]`, "41"} {
		c, _ := s.Connect(`{"userId":"disconnect"}`)
		c.Send(packet)
		if packet == `42["ask"]` {
			c.Send("43" + question(t, c, "question") + "[]")
		}
		if packet == "41" {
			c.Conn.Close()
			continue
		}
		c.Closed()
	}
	servertest.Eventually(t, "all panics are counted", func() bool { return s.sio.Panics() == 8 })
	other.Sync()
	if got := disconnects.take(); !slices.Equal(got, []string{"disconnect", "disconnect", "disconnect", "disconnect"}) {
		t.Errorf("disconnected with %q", got)
	}
}
