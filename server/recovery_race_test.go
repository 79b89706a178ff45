package server

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// What is trimmed while the library lets a client in, which takes as long as code of others wants, is missing too: the
// client must not be told that it recovered and then get a gap.
func TestTrimmedWhileBeingLetIn(t *testing.T) {
	s := newStack(t, func(o *Options) {
		o.Hub = hubWith(t, func(o *notify.Options) { o.HistorySize = 2 })
	})
	visits := 0
	match := func(_ string, _ any, next func(error, bool)) {
		if visits++; visits == 2 {
			for range 3 { // one more than a room keeps
				if _, err := s.hub.Deliver(context.Background(), &notify.Message{
					Namespace: "/room-1", Rooms: []string{rooms.In("/room-1", rooms.All)}, Type: "n", Args: json.RawMessage(`[1]`),
				}); err != nil {
					t.Error(err)
				}
			}
		}
		next(nil, true)
	}
	s.sio.IO().Of(socket.ParentNspNameMatchFn(&match), nil)
	join := func(payload string) (c *wsClient, sid, pid string) {
		t.Helper()
		c = s.dial("")
		c.send("40/room-1," + payload)
		var reply struct{ Sid, Pid string }
		if err := json.Unmarshal([]byte(strings.TrimPrefix(c.read(), "40/room-1,")), &reply); err != nil {
			t.Fatal(err)
		}
		return c, reply.Sid, reply.Pid
	}
	c, sid, pid := join(`{"userId":"u1"}`)
	offset := s.hub.Head().String()
	c.conn.Close()
	eventually(t, "the namespace is empty", func() bool {
		_, there := s.sio.namespaces.Load("/room-1")
		return !there && s.sio.peers.get("/room-1", sid) == nil
	})
	c, _, newPid := join(resume("u1", pid, offset))
	if visits != 2 {
		t.Fatalf("%d visits", visits)
	}
	if newPid == pid {
		t.Error("told that it recovered")
	}
	if got := c.read(); !strings.HasPrefix(got, `42/room-1,["gap",{"type":"gap","from":"`+offset) {
		t.Errorf("got %s, want a gap", got)
	}
	if _, kept := s.hub.Session(pidKey(newPid)); !kept {
		t.Error("the new session is not kept")
	}
	if _, kept := s.hub.Session(pidKey(pid)); kept {
		t.Error("the old session is kept")
	}
}
