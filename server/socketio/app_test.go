package socketio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

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
	s.sio.Mount(&testObserver{testApp{name: "a", calls: called, handles: []string{"x"}}},
		in("/", "/n"))
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
		{`1["z"]`, `43/n,1[{"error":{"code":"unknown_event"}}]`,
			[]string{"a event z", "b event z", "c event z"}},
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
	called.expect(t, "a client namespace disconnect", "b client namespace disconnect",
		"c client namespace disconnect",
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
	s.sio.Mount(&testApp{name: "a", calls: called, connect: func(context.Context, *Conn) error {
		return ErrNotServed
	}}, nil)
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
		"error": {func(context.Context, *Conn) error {
			return Refuse("no", nil)
		}, `44{"message":"no"}`},
		"panic": {func(context.Context, *Conn) error {
			panic("no")
		}, `44{"message":"Internal error","data":{"code":"internal"}}`},
		"close, then error": {func(_ context.Context, c *Conn) error {
			c.Close()
			return Refuse("no", nil)
		}, `44{"message":"no"}`},
		"emit, then error": {func(_ context.Context, c *Conn) error {
			return errors.Join(c.Emit("secret"), c.AskFunc("secret", func(Answer, error) {}),
				Refuse("no", nil))
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
			servertest.Eventually(t, "the session is over", func() bool {
				return s.sio.Sessions() == 0
			})
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
	root.On("do", func(_ context.Context, c *Conn, _ *Event) error {
		c.Do(func() { panic("do") })
		return nil
	})
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
	got := disconnects.take()
	if !slices.Equal(got, []string{"disconnect", "disconnect", "disconnect", "disconnect"}) {
		t.Errorf("disconnected with %q", got)
	}
}
