package library

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// The history may lose messages while the library decides about a client, which can take any time.
// The server must then reply that the session did not recover, and send a gap.
func TestTrimDuringConnectCausesGap(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *socketio.Options) {
		o.Hub = servertest.HubWith(t, func(o *notify.Options) { o.HistorySize = 2 })
	})
	visits := 0
	match := func(_ string, _ any, next func(error, bool)) {
		if visits++; visits == 2 {
			for range 3 { // one more than a room keeps
				if _, err := s.Hub.Deliver(context.Background(), &notify.Message{
					Namespace: "/room-1", Rooms: []string{rooms.In("/room-1", rooms.All)},
					Type: "n", Args: json.RawMessage(`[1]`),
				}); err != nil {
					t.Error(err)
				}
			}
		}
		next(nil, true)
	}
	s.io.Of(socket.ParentNspNameMatchFn(&match), nil)
	join := func(payload string) (c *servertest.WebSocket, sid, pid string) {
		t.Helper()
		c = s.Dial("")
		c.Send("40/room-1," + payload)
		var reply struct{ Sid, Pid string }
		text := strings.TrimPrefix(c.Read(), "40/room-1,")
		if err := json.Unmarshal([]byte(text), &reply); err != nil {
			t.Fatal(err)
		}
		return c, reply.Sid, reply.Pid
	}
	c, sid, pid := join(`{"userId":"u1"}`)
	offset := s.Hub.Head().String()
	c.Conn.Close()
	servertest.Eventually(t, "the namespace is empty", func() bool {
		_, there := s.f.namespaces.Load("/room-1")
		return !there && s.Hub.Member("/room-1", sid) == nil
	})
	c, _, newPid := join(servertest.Resume("u1", pid, offset))
	if visits != 2 {
		t.Fatalf("%d visits", visits)
	}
	if newPid == pid {
		t.Error("the client got the old pid, as if it had recovered")
	}
	if got := c.Read(); !strings.HasPrefix(got, `42/room-1,["gap",{"type":"gap","from":"`+offset) {
		t.Errorf("got %s, want a gap", got)
	}
	if _, kept := s.Hub.Session("pid:" + newPid); !kept {
		t.Error("the new session is not kept")
	}
	if _, kept := s.Hub.Session("pid:" + pid); kept {
		t.Error("the old session is kept")
	}
}
