package socketio

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

// outcome is the result of an Ask.
type outcome struct {
	answer Answer
	err    error
}

// question reads the next event that asks for an acknowledgement and returns its number.
func question(t testing.TB, c *servertest.WebSocket, event string) string {
	t.Helper()
	for {
		text := strings.TrimPrefix(c.Read(), "42")
		id, rest, found := strings.Cut(text, "[")
		if found && id != "" && strings.HasPrefix(rest, `"`+event+`"`) {
			return id
		}
	}
}

// asking registers a handler that asks its own client without a deadline. The client or the server
// must end the Ask.
func asking(s *testStack) chan outcome {
	outcomes := make(chan outcome, 1)
	s.sio.Of("/").On("go", func(_ context.Context, c *Conn, _ *Event) error {
		answer, err := c.Ask(context.Background(), "question")
		outcomes <- outcome{answer, err}
		return nil
	})
	return outcomes
}

// An Ask of a handler to its own client ends when that client disconnects, in any way.
func TestAskEndsWithClient(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*testStack, *servertest.WebSocket){
		"DISCONNECT": func(_ *testStack, c *servertest.WebSocket) { c.Send("41") },
		"closed":     func(_ *testStack, c *servertest.WebSocket) { c.Conn.Close() },
		"Conn.Close": func(s *testStack, _ *servertest.WebSocket) {
			s.sio.To().Conns()[0].Close()
		},
		"CloseTransport": func(s *testStack, _ *servertest.WebSocket) {
			s.sio.To().Conns()[0].CloseTransport()
		},
		"Broadcast.Close": func(s *testStack, _ *servertest.WebSocket) { s.sio.To().Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, nil)
			outcomes := asking(s)
			c, _ := s.Connect(`{"userId":"u1"}`)
			c.Send(`42["go"]`)
			question(t, c, "question")
			leave(s, c)
			if got := servertest.Receive(t, outcomes); !errors.Is(got.err, ErrClosed) {
				t.Errorf("%v, want ErrClosed", got.err)
			}
		})
	}
}

// The acknowledgement overtakes the events that wait for the handler, even when they fill the
// inbox.
func TestAcknowledgementOvertakesEvents(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	outcomes := asking(s)
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`42["go"]`)
	id := question(t, c, "question")
	for range 10 * maxUnhandled {
		c.Send(`42["custom-event"]`)
	}
	c.Send("43" + id + `["answer",{"n":1}]`)
	got := servertest.Receive(t, outcomes)
	var text string
	var more struct{ N int }
	err := errors.Join(got.err, got.answer.Bind(&text, &more))
	if err != nil || text != "answer" || more.N != 1 {
		t.Errorf("%q %+v, %v", text, more, err)
	}
	c.Sync()
}

// The reader is already blocked when the handler starts to ask.
func TestAskWakesBlockedReader(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	ready, outcomes := make(chan struct{}), make(chan outcome, 1)
	s.sio.Of("/").On("go", func(_ context.Context, c *Conn, _ *Event) error {
		<-ready
		answer, err := c.Ask(context.Background(), "question")
		outcomes <- outcome{answer, err}
		return nil
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`42["go"]`)
	for range 2 * maxUnhandled {
		c.Send(`42["custom-event"]`)
	}
	l := s.sio.clients.all()[0]
	servertest.Eventually(t, "the inbox is full", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.inbox) == maxUnhandled
	})
	close(ready)
	c.Send("43" + question(t, c, "question") + `[]`)
	if got := servertest.Receive(t, outcomes); got.err != nil {
		t.Error(got.err)
	}
}

// When the client disconnects, each pending function is called once, and new asks fail.
func TestAskAfterDisconnect(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	reasons := endings(s.sio.Of("/"))
	c, _ := s.Connect(`{"userId":"u1"}`)
	conn := s.sio.To().Conns()[0]
	calls := make(chan error, 2)
	if err := conn.AskFunc("question", func(_ Answer, err error) { calls <- err }); err != nil {
		t.Fatal(err)
	}
	question(t, c, "question")
	c.Send("41")
	servertest.Receive(t, reasons)
	if err := servertest.Receive(t, calls); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	err := conn.AskFunc("question", func(Answer, error) {
		t.Error("an ask that was refused is answered")
	})
	if !errors.Is(err, ErrClosed) {
		t.Errorf("AskFunc: %v, want ErrClosed", err)
	}
	if _, err := conn.Ask(t.Context(), "question"); !errors.Is(err, ErrClosed) {
		t.Errorf("Ask: %v, want ErrClosed", err)
	}
	if err := conn.Emit("event"); !errors.Is(err, ErrClosed) {
		t.Errorf("Emit: %v, want ErrClosed", err)
	}
	if err := conn.AskFunc("connect", nil); err == nil ||
		err.Error() != `event: "connect" is reserved by Socket.IO` {
		t.Errorf("a reserved name: %v", err)
	}
	c.Conn.Close()
	if len(calls) > 0 {
		t.Error("called twice")
	}
}
