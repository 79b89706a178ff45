package socketio

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

func TestResumeNeedsSameUser(t *testing.T) {
	t.Parallel()
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
	c.Event("recovery", nil) // no message was for eve's own rooms
	c.Sync()
}

func TestResumeAfterLoss(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		o.Hub = servertest.HubWith(t, func(o *notify.Options) { o.HistorySize = 256 })
	})
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
		t.Fatalf("a client that missed something was reported as recovered: %+v", connected)
	}
	var gap struct {
		From, Reason string
		Rooms        []string
	}
	id := c.Event("gap", &gap)
	if id != offset || gap.From != offset || gap.Reason != "trimmed" || gap.Rooms[0] != "user:u1" {
		t.Errorf("gap %+v with id %s", gap, id)
	}
	for range 256 {
		c.Event("n", nil)
	}
	c.Event("recovery", nil)
}

func TestResumeReplacesLiveConnection(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	s := newStack(t, nil)
	first := s.Publish(`{"target":{"all":true},"type":"n","data":1}`)
	s.Publish(`{"target":{"all":true},"type":"n","data":2}`)
	c := s.Dial("")
	_, _, at, connected := c.JoinWithPid(`{"userId":"u1","since":"` + first.ID + `"}`)
	if at != first.ID || connected.Recovered {
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

// Data belongs to the session: a client that recovers has it again, whether its old transport
// closed earlier or is replaced. A client that could not recover has none.
func TestDataSurvivesRecovery(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		o.Hub = servertest.HubWith(t, func(o *notify.Options) { o.HistorySize = 256 })
	})
	type visit struct {
		data      any
		recovered bool
	}
	visits := make(chan visit, 1)
	s.sio.Of("/").OnConnect(func(_ context.Context, c *Conn) error {
		visits <- visit{c.Data(), c.Recovered()}
		c.SetData("cart of " + c.ID())
		return nil
	})
	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	if got := servertest.Receive(t, visits); got != (visit{}) {
		t.Errorf("a new client: %+v", got)
	}
	c.Conn.Close()
	s.Gone(sid)
	for _, how := range []string{"after the transport had gone", "in place of the old transport"} {
		c = s.Dial("")
		c.JoinWithPid(servertest.Resume("u1", pid, offset))
		if got := servertest.Receive(t, visits); got != (visit{"cart of " + sid, true}) {
			t.Errorf("%s: %+v", how, got)
		}
		c.Event("recovery", nil)
	}
	s.sio.To().Conns()[0].SetData("set later")
	c.Conn.Close()
	s.Gone(sid)
	c = s.Dial("")
	c.JoinWithPid(servertest.Resume("u1", pid, offset))
	if got := servertest.Receive(t, visits); got != (visit{"set later", true}) {
		t.Errorf("after SetData outside of a handler: %+v", got)
	}
	c.Event("recovery", nil)
	for range 300 { // more than a room keeps
		s.Publish(`{"target":{"user":"u1"},"type":"n","data":1}`)
	}
	c.Conn.Close()
	s.Gone(sid)
	c = s.Dial("")
	c.JoinWithPid(servertest.Resume("u1", pid, offset))
	if got := servertest.Receive(t, visits); got != (visit{}) {
		t.Errorf("after a gap: %+v", got)
	}
}

// The history may lose messages that a client has not read while its connect handler runs. The
// client then gets a new session that did not recover, and a gap. It can resume the session under
// the new id, with its data.
func TestHistoryTrimmedDuringConnect(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		o.Hub = servertest.HubWith(t, func(o *notify.Options) { o.HistorySize = 2 })
	})
	held, release := make(chan *Conn, 1), make(chan struct{})
	s.sio.Of("/").OnConnect(func(_ context.Context, c *Conn) error {
		if c.Recovered() && c.Data() == nil {
			held <- c
			<-release
			c.SetData("kept")
		}
		return nil
	})
	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	c.Conn.Close()
	s.Gone(sid)

	c = s.Dial("")
	c.Send("40" + servertest.Resume("u1", pid, offset))
	conn := servertest.Receive(t, held)
	for range 3 { // one more than a room keeps
		s.Publish(`{"target":{"user":"u1"},"type":"n","data":1}`)
	}
	close(release)
	var reply struct{ Sid, Pid string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(c.Read(), "40")), &reply); err != nil {
		t.Fatal(err)
	}
	var connected servertest.Connected
	c.Event("connected", &connected)
	if connected.Recovered || reply.Pid == pid || reply.Sid != conn.ID() {
		t.Errorf("got %+v and %+v, was %s %s", reply, connected, sid, pid)
	}
	c.Event("gap", nil)
	last := c.Event("n", nil)
	if next := c.Event("n", nil); next == last {
		t.Errorf("%s came twice", last)
	} else {
		last = next
	}
	c.Event("recovery", nil)
	if _, kept := s.Hub.Session(notify.PIDKey(pid)); kept {
		t.Error("the session is kept under its old name")
	}
	c.Conn.Close()
	s.Gone(reply.Sid)
	c = s.Dial("")
	again, _, _, resumed := c.JoinWithPid(servertest.Resume("u1", reply.Pid, last))
	if again != reply.Sid || !resumed.Recovered {
		t.Errorf("resumed as %s, %+v", again, resumed)
	}
	if got := s.sio.To().Conns()[0].Data(); got != "kept" {
		t.Errorf("the data is %v", got)
	}
}

// A client resumes at once, although its former connection has notifications that it never read.
func TestResumeDoesNotWaitForFormerQueue(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c := s.Poll()
	c.Post(`40{"userId":"u1"}`)
	text := c.Get()
	for !strings.Contains(text, `["connected"`) {
		text += "\x1e" + c.Get()
	}
	var reply struct{ Sid, Pid string }
	first, events, _ := strings.Cut(text, "\x1e")
	if err := json.Unmarshal([]byte(strings.TrimPrefix(first, "40")), &reply); err != nil {
		t.Fatalf("%s: %v", first, err)
	}
	offset := events[strings.LastIndex(events, `,"`)+2 : strings.LastIndex(events, `"`)]
	for range 100 { // no GET reads them
		s.Publish(`{"target":{"user":"u1"},"type":"n","data":1}`)
	}
	ws := s.Dial("")
	sid, _, _, connected := ws.JoinWithPid(servertest.Resume("u1", reply.Pid, offset))
	if sid != reply.Sid || !connected.Recovered {
		t.Fatalf("resumed as %s, was %s: %+v", sid, reply.Sid, connected)
	}
	for range 100 {
		ws.Event("n", nil)
	}
}
