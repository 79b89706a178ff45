package socketio

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

// expectPackets reads packets with these prefixes, in this order.
func expectPackets(t testing.TB, c *servertest.WebSocket, starts ...string) {
	t.Helper()
	for _, want := range starts {
		if got := c.Read(); !strings.HasPrefix(got, want) {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

// A client that a connect handler closes gets the reply to CONNECT and then a DISCONNECT, so it
// does not reconnect.
func TestCloseInOnConnect(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		end    func(*Conn)
		closed bool // the transport as well
	}{
		"Close":          {(*Conn).Close, false},
		"CloseTransport": {(*Conn).CloseTransport, true},
		"both":           {func(c *Conn) { c.Close(); c.CloseTransport() }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, nil)
			other := s.sio.Of("/other")
			reasons := endings(other)
			other.OnConnect(func(_ context.Context, c *Conn) error {
				tt.end(c)
				return nil
			})
			c, _ := s.Connect(`{"userId":"u1"}`)
			c.Send(`40/other,{"userId":"u1"}`)
			expectPackets(t, c, `40/other,{"sid":`)
			if tt.closed {
				rest := c.Closed()
				if got := strings.Join(rest, " "); got != "41 41/other," && got != "41/other, 41" {
					t.Errorf("got %q before the close", rest)
				}
			} else {
				expectPackets(t, c, "41/other,")
				c.Sync() // "/" is still connected
			}
			if got := servertest.Receive(t, reasons); got != ReasonServerClosed {
				t.Errorf("the reason is %q", got)
			}
		})
	}
}

// CloseTransport closes the connection even when the handler then refuses the client.
func TestCloseTransportOfRefusedClient(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.sio.Of("/").OnConnect(func(_ context.Context, c *Conn) error {
		c.CloseTransport()
		return Refuse("not you", nil)
	})
	c := s.Dial("")
	c.Send(`40{"userId":"u1"}`)
	if got := c.Closed(); len(got) != 1 || got[0] != `44{"message":"not you"}` {
		t.Errorf("got %q before the close", got)
	}
}

// Each namespace gets one DISCONNECT after its earlier packets, and one call of OnDisconnect.
func TestCloseTransportWithTwoNamespaces(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	root, other := endings(s.sio.Of("/")), endings(s.sio.Of("/other"))
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`40/other,{"userId":"u1"}`)
	expectPackets(t, c, "40/other,")
	conn := s.sio.To().Conns()[0]
	err := errors.Join(conn.Emit("last"), s.sio.In("/other").Conns()[0].Emit("last"))
	if err != nil {
		t.Fatal(err)
	}
	conn.CloseTransport()
	rest := strings.Join(c.Closed(), " ")
	for _, namespace := range []string{"", "/other,"} {
		last, end := strings.Index(rest, "42"+namespace+`["last"`),
			strings.Index(rest+" ", "41"+namespace+" ")
		if last < 0 || end < last {
			t.Errorf("before the close came %q: the event of %q at %d, the DISCONNECT at %d", rest,
				namespace, last, end)
		}
	}
	for _, reasons := range []chan string{root, other} {
		if got := servertest.Receive(t, reasons); got != ReasonServerClosed {
			t.Errorf("the reason is %q", got)
		}
	}
	if len(root)+len(other) > 0 {
		t.Error("OnDisconnect was called twice")
	}
}

// When handlers, other goroutines and the client end a Conn at the same moment, it ends once, with
// one of their reasons.
func TestConcurrentCloses(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	root := s.sio.Of("/")
	var connects, ends atomic.Int64
	root.OnConnect(func(_ context.Context, c *Conn) error {
		connects.Add(1)
		go c.Close()
		go s.sio.To(c.ID()).Close()
		return nil
	})
	root.On("close", func(_ context.Context, c *Conn, _ *Event) error {
		go c.CloseTransport()
		c.Close()
		return nil
	})
	root.OnDisconnect(func(*Conn, string) { ends.Add(1) })
	// One client connects before the other goroutines start, because they may end every later
	// client before its CONNECT.
	s.Dial("").Send(`40{"userId":"first"}`)
	servertest.Eventually(t, "a client is connected", func() bool { return connects.Load() == 1 })
	stop := make(chan struct{})
	var background sync.WaitGroup
	background.Go(func() { // as the API and the library do
		for {
			select {
			case <-stop:
				return
			default:
				s.sio.To().Close()
				for _, m := range s.Hub.Members() {
					m.Disconnect("revoked")
				}
			}
		}
	})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 25 {
				c := s.Dial("")
				connect := fmt.Sprintf(`40{"userId":"u%d"}`, i)
				for _, packet := range []string{connect, `42["close"]`, "41"} {
					if c.Conn.WriteMessage(1, []byte(packet)) != nil {
						break
					}
				}
				c.Conn.Close()
			}
		})
	}
	wg.Wait()
	close(stop)
	background.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), servertest.Patience)
	defer cancel()
	if err := s.sio.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if n := ends.Load(); n != connects.Load() || n == 0 {
		t.Errorf("%d ends of %d connections", n, connects.Load())
	}
	if n := s.sio.ending.len(); n != 0 {
		t.Errorf("%d Conns are still ending", n)
	}
	if n := s.sio.Panics(); n != 0 {
		t.Errorf("%d panics", n)
	}
}
