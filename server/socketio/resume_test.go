package socketio

import (
	"testing"

	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
)

// Who resumes takes the place of the connection that it replaces.
func TestAResumeNeedsNoFurtherPlace(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.Limits = limit.New(limit.Options{PerUser: 1}) })
	c := s.Dial("")
	_, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	c = s.Dial("") // the network changed; the old connection does not know yet
	if _, _, _, connected := c.JoinWithPid(servertest.Resume("u1", pid, offset)); !connected.Recovered {
		t.Errorf("connected %+v", connected)
	}
}

// A client that comes and goes on one connection cannot push the sessions of
// others out of the table.
func TestOneConnectionCannotCrowdOutSessions(t *testing.T) {
	t.Parallel()
	s := newStack(t, smallSessionTable(t))
	victim := s.Dial("")
	sid, pid, _, _ := victim.JoinWithPid(`{"userId":"victim"}`)
	victim.Conn.Close()
	s.Gone(sid)
	c := s.Dial("")
	for range 30 {
		c.JoinWithPid(`{"userId":"eve"}`)
		c.Send("41")
	}
	if _, kept := s.Hub.Session(pidKey(pid)); !kept {
		t.Error("the session of another client is gone")
	}
}

// The table of connections shows the transport that a client uses now.
func TestTheTransportAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c := s.Poll()
	c.Post(`40{"userId":"u1"}`)
	c.Get()
	c.Upgrade().Sync()
	if by := s.Hub.Stats().ByTransport; by["websocket"] != 1 {
		t.Errorf("by transport: %v", by)
	}
}
