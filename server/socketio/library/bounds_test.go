package library

import (
	"strings"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/servertest"
)

// A client that never acknowledges keeps a bounded number of callbacks.
func TestPendingAcknowledgementsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	client := make(chan *socket.Socket, 1)
	_ = s.io.On("connection", func(args ...any) { client <- args[0].(*socket.Socket) })
	c, _ := s.Connect(`{"userId":"u1"}`)
	sock := servertest.Receive(t, client)
	for range 500 {
		_ = sock.Emit("question", func([]any, error) {})
		if got := c.Read(); !strings.HasSuffix(got, `["question"]`) {
			t.Fatalf("got %s", got)
		}
	}
	servertest.Eventually(t, "at most 64 callbacks wait", func() bool {
		return sock.Acks().Len() <= 64
	})
}
