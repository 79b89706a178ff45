package library

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/servertest"
)

// A client that waits for a middleware receives neither broadcasts nor questions.
func TestRejectedClientReceivesNothing(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	held, release := make(chan struct{}), make(chan struct{})
	s.io.Use(func(_ *socket.Socket, next func(*socket.ExtendedError)) {
		go func() {
			close(held)
			<-release
			next(socket.NewExtendedError("not you", nil))
		}()
	})
	c := s.Dial("")
	c.Send(`40{"userId":"u1"}`)
	servertest.Receive(t, held)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if answers, _ := s.sio.To().Ask(ctx, "secret", "for members only"); len(answers) != 0 {
		t.Errorf("answers %v", answers)
	}
	close(release)
	if got := c.Read(); !strings.HasPrefix(got, "44{") {
		t.Errorf("a refused client got %s", got)
	}
}

// Handlers may log the handshake, so it must not contain the private session id.
func TestHandshakeHidesPidOfResumedSession(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	seen := make(chan any, 2)
	_ = s.io.On("connection", func(args ...any) {
		seen <- args[0].(*socket.Socket).Handshake().Auth
	})
	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	servertest.Receive(t, seen)
	c.Conn.Close()
	s.Gone(sid)
	c = s.Dial("")
	c.JoinWithPid(servertest.Resume("u1", pid, offset))
	auth := servertest.Receive(t, seen).(map[string]any)
	if auth["pid"] != nil || auth["offset"] != nil {
		t.Errorf("handlers see %v", auth)
	}
}

// A panic in a "disconnect" handler that was registered after the transport closed affects no other
// client. The test runs in a separate process, which such a panic would end.
func TestPanicAfterTransportCloses(t *testing.T) {
	t.Parallel()
	if os.Getenv("ROOMCAST_PANIC") == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0],
			"-test.run=^TestPanicAfterTransportCloses$", "-test.count=1")
		cmd.Env = append(os.Environ(), "ROOMCAST_PANIC=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("the process ended: %v\n%.600s", err, out)
		}
		return
	}
	s := newStack(t, nil)
	entered, done := make(chan struct{}), make(chan struct{})
	_ = s.io.Of("/admin", nil).On("connection", func(args ...any) {
		defer close(done)
		sock := args[0].(*socket.Socket)
		close(entered)
		<-sock.Conn().(*engineSocket).peer.conn.Context().Done() // such as a slow database query
		_ = sock.On("disconnect", func(...any) { panic("disconnect") })
	})
	c := s.Dial("")
	c.Send(`40/admin,{"userId":"u1"}`)
	servertest.Receive(t, entered)
	c.Conn.Close()
	// The scheduler decides whether the server still calls the handler.
	servertest.Receive(t, done)
	servertest.Eventually(t, "the connection has ended", func() bool {
		return len(s.Hub.Members()) == 0 && s.sio.Sessions() == 0
	})
	s.Alive()
}
