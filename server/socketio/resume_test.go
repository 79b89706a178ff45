package socketio

import (
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
)

// A client that resumes takes over the limit's slot of the connection that it replaces.
func TestResumeNeedsNoSecondSlot(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.Limits = limit.New(limit.Options{PerUser: 1}) })
	c := s.Dial("")
	_, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	c = s.Dial("") // the network changed, and the server has not noticed yet
	_, _, _, connected := c.JoinWithPid(servertest.Resume("u1", pid, offset))
	if !connected.Recovered {
		t.Errorf("connected %+v", connected)
	}
}

// A client that repeatedly connects and disconnects on one connection cannot displace the sessions
// of others.
func TestOneConnectionCannotDisplaceSessions(t *testing.T) {
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
	if _, kept := s.Hub.Session(notify.PIDKey(pid)); !kept {
		t.Error("the session of another client is gone")
	}
}

// The list of connections shows the current transport of a client.
func TestTransportAfterUpgrade(t *testing.T) {
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

// slowChecks lets the credentials of a client be checked when the client has left.
type slowChecks struct {
	noLimits
	wait atomic.Pointer[func()]
}

func (l *slowChecks) Attempt(
	ip netip.Addr, check func() (auth.Identity, error),
) (auth.Identity, error) {
	if wait := l.wait.Load(); wait != nil {
		(*wait)()
	}
	return l.noLimits.Attempt(ip, check)
}

// A connection that ends before it has its answer to CONNECT does not take the session with it that
// it resumes.
func TestSessionOutlivesLostResume(t *testing.T) {
	t.Parallel()
	limits := &slowChecks{}
	s := newStack(t, func(o *Options) { o.Limits = limits })
	old := s.Dial("")
	sid, pid, offset, _ := old.JoinWithPid(`{"userId":"u1"}`)
	lost, left := s.Dial(""), make(chan struct{})
	wait := func() {
		servertest.Eventually(t, "the client leaves", func() bool { return len(s.sio.clients.all()) == 1 })
		limits.wait.Store(nil)
		close(left)
	}
	limits.wait.Store(&wait)
	lost.Send("40" + servertest.Resume("u1", pid, offset))
	lost.Conn.Close()
	servertest.Receive(t, left)
	old.Closed()
	s.Gone(sid)
	sid2, pid2, _, connected := s.Dial("").JoinWithPid(servertest.Resume("u1", pid, offset))
	if sid2 != sid || pid2 != pid || !connected.Recovered {
		t.Errorf("the client is %s/%s: %+v, want %s/%s", sid2, pid2, connected, sid, pid)
	}
}
