package library

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// connectedSocket returns a client and its Socket.
func connectedSocket(t *testing.T, s *testStack) (*servertest.WebSocket, *socket.Socket) {
	t.Helper()
	client := make(chan *socket.Socket, 1)
	_ = s.io.On("connection", func(args ...any) { client <- args[0].(*socket.Socket) })
	c, _ := s.Connect(`{"userId":"u1"}`)
	return c, servertest.Receive(t, client)
}

// A client that never acknowledges keeps a bounded number of callbacks. The callbacks of further
// emits get an error, and the client stays connected.
func TestPendingAcknowledgementsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c, sock := connectedSocket(t, s)
	const emits, bound = 5000, 4096
	refused := make(chan error, emits)
	for i := range emits {
		_ = sock.Emit("question", func(_ []any, err error) { refused <- err })
		if len(refused) == 0 && i < bound-1 {
			if got := c.Read(); !strings.HasSuffix(got, `["question"]`) {
				t.Fatalf("got %s", got)
			}
		}
	}
	for range emits - bound { // on a slow machine, the oldest is older than a minute
		err := servertest.Receive(t, refused)
		if !errors.Is(err, socketio.ErrTooManyAsks) && !errors.Is(err, socketio.ErrUnanswered) {
			t.Fatalf("got %v, want ErrTooManyAsks", err)
		}
	}
	if got := sock.Acks().Len(); got != bound || len(refused) > 0 {
		t.Errorf("%d callbacks wait, want %d, and %d more have an error", got, bound, len(refused))
	}
	_ = sock.Emit("done")
	for !strings.Contains(c.Read(), `["done"`) {
	}
}

// A callback with a timeout cannot get an error of its own from the library, so it gets the timeout
// and no answer without values.
func TestEmitThatIsNotSentTimesOut(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	_, sock := connectedSocket(t, s)
	results := make(chan error, 1)
	_ = sock.Timeout(50*time.Millisecond).Emit("question", func() {}, // cannot be encoded
		func(_ []any, err error) { results <- err })
	err := servertest.Receive(t, results)
	if err == nil || !strings.Contains(err.Error(), "timed out") {
		t.Errorf("got %v, want a timeout", err)
	}
	_ = sock.Emit("question", func() {}, func(_ []any, err error) { results <- err })
	if err := servertest.Receive(t, results); err == nil {
		t.Error("without a timeout: no error")
	}
}

// A client that cannot be asked counts as one that does not answer, so the library does not take a
// broadcast for complete. The test calls the adapter, because the library counts with a data race.
func TestBroadcastCountsClientsThatItCannotAsk(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	_, sock := connectedSocket(t, s)
	for range 4096 {
		_ = sock.Emit("question", func([]any, error) {})
	}
	answering, _ := s.Connect(`{"userId":"u2"}`)
	var expected uint64
	answers := make(chan []any, 2)
	s.io.Sockets().Adapter().BroadcastWithAck(&parser.Packet{Data: []any{"question"}}, nil,
		func(n uint64) { expected = n }, func(values []any, _ error) { answers <- values })
	id, _, _ := strings.Cut(strings.TrimPrefix(answering.Read(), "42"), "[")
	answering.Send("43" + id + `["here"]`)
	if got := servertest.Receive(t, answers); expected != 2 || len(got) != 1 || got[0] != "here" {
		t.Errorf("%d expected, answer %v", expected, got)
	}
	answering.Sync()
	if len(answers) > 0 {
		t.Errorf("a second answer: %v", <-answers)
	}
}
