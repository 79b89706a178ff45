package socketio

import (
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

func TestResumeIsBoundToTheUser(t *testing.T) {
	s := newStack(t, nil)
	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	c.Send(`42["join-room","orders"]`)
	c.Event("room-joined", nil)
	c.Conn.Close()
	s.Gone(sid)
	s.Publish(`{"target":{"user":"u1"},"type":"secret","data":1}`)
	s.Publish(`{"target":{"channel":"orders"},"type":"secret","data":2}`)
	c = s.Dial("")
	sid2, pid2, _, connected := c.JoinWithPid(servertest.Resume("eve", pid, offset))
	if sid2 == sid || pid2 == pid || connected.Recovered {
		t.Fatalf("eve resumed the session of u1: %s/%s %+v", sid2, pid2, connected)
	}
	c.Event("recovery", nil) // eve's own rooms had nothing
	c.Sync()
}

func TestResumeAfterLoss(t *testing.T) {
	s := newStack(t, nil)
	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	c.Conn.Close()
	s.Gone(sid)
	for range 300 { // more than a room keeps
		s.Publish(`{"target":{"user":"u1"},"type":"n","data":1}`)
	}
	c = s.Dial("")
	sid2, pid2, _, connected := c.JoinWithPid(servertest.Resume("u1", pid, offset))
	if sid2 == sid || pid2 == pid || connected.Recovered {
		t.Fatalf("a client that missed something was told it recovered: %+v", connected)
	}
	var gap struct {
		From, Reason string
		Rooms        []string
	}
	if id := c.Event("gap", &gap); id != offset || gap.From != offset || gap.Reason != "trimmed" || gap.Rooms[0] != "user:u1" {
		t.Errorf("gap %+v with id %s", gap, id)
	}
	for range 256 {
		c.Event("n", nil)
	}
	c.Event("recovery", nil)
}

func TestResumeReplacesALiveConnection(t *testing.T) {
	s := newStack(t, nil)
	old := s.Dial("")
	sid, pid, offset, _ := old.JoinWithPid(`{"userId":"u1"}`)
	c := s.Dial("")
	sid2, _, _, connected := c.JoinWithPid(servertest.Resume("u1", pid, offset))
	if sid2 != sid || !connected.Recovered || connected.TotalConnections != 1 {
		t.Fatalf("resumed as %s, %+v", sid2, connected)
	}
	for _, text := range old.Closed() {
		if strings.HasPrefix(text, "41") {
			t.Error("the old connection got a DISCONNECT: its client would not come back")
		}
	}
	c.Event("recovery", nil)
	s.Publish(`{"target":{"client":"` + sid + `"},"type":"n","data":1}`)
	c.Event("n", nil)
}

func TestSinceReplaysWithoutSession(t *testing.T) {
	s := newStack(t, nil)
	first := s.Publish(`{"target":{"all":true},"type":"n","data":1}`)
	s.Publish(`{"target":{"all":true},"type":"n","data":2}`)
	c := s.Dial("")
	if _, _, at, connected := c.JoinWithPid(`{"userId":"u1","since":"` + first.ID + `"}`); at != first.ID || connected.Recovered {
		t.Fatalf("connected at %s, %+v", at, connected)
	}
	var n struct{ Data int }
	if c.Event("n", &n); n.Data != 2 {
		t.Errorf("replayed %d, want 2", n.Data)
	}
	all := s.Dial("")
	all.JoinWithPid(`{"userId":"u2","since":"0"}`)
	for want := 1; want <= 2; want++ {
		if all.Event("n", &n); n.Data != want {
			t.Errorf("replayed %d, want %d", n.Data, want)
		}
	}
}
