package socketio

import (
	"strings"
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
)

// Rooms that Go code joins for every connection of a user are no business of the
// token: after a resume nothing of them is missing, or the client is told so.
func TestAResumeCoversTheRoomsThatGoCodeJoins(t *testing.T) {
	s := newStack(t, withTokens(t))
	_ = s.sio.IO().On("connection", func(args ...any) { args[0].(*socket.Socket).Join("tenant-5") })
	token := servertest.SignHS256(t, servertest.Secret, map[string]any{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()})
	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"token":"` + token + `"}`)
	servertest.Eventually(t, "the room is joined", func() bool { return len(s.Hub.Match([]string{"tenant-5"}, nil)) == 1 })
	c.Conn.Close()
	s.Gone(sid)
	s.Publish(`{"target":{"channel":"tenant-5"},"type":"missed","data":1}`)

	c = s.Dial("")
	_, _, _, connected := c.JoinWithPid(`{"token":"` + token + `","pid":"` + pid + `","offset":"` + offset + `"}`)
	text := c.Read()
	if told := !connected.Recovered || strings.Contains(text, `"gap"`); !told && !strings.HasPrefix(text, `42["missed",`) {
		t.Errorf("a client that lost a message of its room was told recovered=%v, then %s", connected.Recovered, text)
	}
}

// Who resumes takes the place of the connection that it replaces.
func TestAResumeNeedsNoFurtherPlace(t *testing.T) {
	s := newStack(t, func(o *Options) { o.Limits = limit.New(limit.Options{PerUser: 1}) })
	c := s.Dial("")
	_, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	c = s.Dial("") // the network changed; the old connection does not know yet
	if _, _, _, connected := c.JoinWithPid(resume("u1", pid, offset)); !connected.Recovered {
		t.Errorf("connected %+v", connected)
	}
}

// A client that comes and goes on one connection cannot push the sessions of
// others out of the table.
func TestOneConnectionCannotCrowdOutSessions(t *testing.T) {
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
	s := newStack(t, nil)
	c := s.Poll()
	c.Post(`40{"userId":"u1"}`)
	c.Get()
	c.Upgrade().Sync()
	if by := s.Hub.Stats().ByTransport; by["websocket"] != 1 {
		t.Errorf("by transport: %v", by)
	}
}
