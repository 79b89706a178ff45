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

// What a middleware has not let in gets nothing, whatever way it is sent.
func TestNothingReachesWhoIsNotLetIn(t *testing.T) {
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

// The session's secret name is not for handlers, who may log a handshake.
func TestThePidOfAResumedSessionIsHidden(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	seen := make(chan any, 2)
	_ = s.io.On("connection", func(args ...any) { seen <- args[0].(*socket.Socket).Handshake().Auth })
	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	servertest.Receive(t, seen)
	c.Conn.Close()
	s.Gone(sid)
	c = s.Dial("")
	c.JoinWithPid(servertest.Resume("u1", pid, offset))
	if auth := servertest.Receive(t, seen).(map[string]any); auth["pid"] != nil || auth["offset"] != nil {
		t.Errorf("handlers see %v", auth)
	}
}

// A panic in a "disconnect" handler that was registered after the transport had
// gone ends nobody. It runs in a process of its own, which it would end.
func TestAPanicAfterTheTransportHasGone(t *testing.T) {
	t.Parallel()
	if os.Getenv("ROOMCAST_PANIC") == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAPanicAfterTheTransportHasGone$", "-test.count=1")
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
		<-sock.Conn().(*engineSocket).peer.conn.Context().Done() // a slow look-up, say
		_ = sock.On("disconnect", func(...any) { panic("disconnect") })
	})
	c := s.Dial("")
	c.Send(`40/admin,{"userId":"u1"}`)
	servertest.Receive(t, entered)
	c.Conn.Close()
	servertest.Receive(t, done) // whether the handler came in time to be called is left to the scheduler
	servertest.Eventually(t, "the connection is over", func() bool { return len(s.Hub.Members()) == 0 && s.sio.Sessions() == 0 })
	s.Alive()
}
