package server

import (
	"strings"
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"
)

// Rooms that Go code joins for every connection of a user are no business of the
// token: after a resume nothing of them is missing, or the client is told so.
func TestAResumeCoversTheRoomsThatGoCodeJoins(t *testing.T) {
	s := newStack(t, withTokens(t))
	_ = s.sio.IO().On("connection", func(args ...any) { args[0].(*socket.Socket).Join("tenant-5") })
	token := signHS256(t, testSecret, map[string]any{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()})
	c := s.dial("")
	sid, pid, offset, _ := c.joinWithPid(`{"token":"` + token + `"}`)
	eventually(t, "the room is joined", func() bool { return len(s.hub.Match([]string{"tenant-5"}, nil)) == 1 })
	c.conn.Close()
	s.gone(sid)
	s.publish(`{"target":{"channel":"tenant-5"},"type":"missed","data":1}`)

	c = s.dial("")
	_, _, _, connected := c.joinWithPid(`{"token":"` + token + `","pid":"` + pid + `","offset":"` + offset + `"}`)
	text := c.read()
	if told := !connected.Recovered || strings.Contains(text, `"gap"`); !told && !strings.HasPrefix(text, `42["missed",`) {
		t.Errorf("a client that lost a message of its room was told recovered=%v, then %s", connected.Recovered, text)
	}
}

// Who resumes takes the place of the connection that it replaces.
func TestAResumeNeedsNoFurtherPlace(t *testing.T) {
	s := newStack(t, func(o *Options) { o.Limits = NewLimiter(LimitOptions{PerUser: 1}) })
	c := s.dial("")
	_, pid, offset, _ := c.joinWithPid(`{"userId":"u1"}`)
	c = s.dial("") // the network changed; the old connection does not know yet
	if _, _, _, connected := c.joinWithPid(resume("u1", pid, offset)); !connected.Recovered {
		t.Errorf("connected %+v", connected)
	}
}

// A client that comes and goes on one connection cannot push the sessions of
// others out of the table.
func TestOneConnectionCannotCrowdOutSessions(t *testing.T) {
	s := newStack(t, smallSessionTable(t))
	victim := s.dial("")
	sid, pid, _, _ := victim.joinWithPid(`{"userId":"victim"}`)
	victim.conn.Close()
	s.gone(sid)
	c := s.dial("")
	for range 30 {
		c.joinWithPid(`{"userId":"eve"}`)
		c.send("41")
	}
	if _, kept := s.hub.Session(pidKey(pid)); !kept {
		t.Error("the session of another client is gone")
	}
}

// The table of connections shows the transport that a client uses now.
func TestTheTransportAfterAnUpgrade(t *testing.T) {
	s := newStack(t, nil)
	c := s.poll()
	c.post(`40{"userId":"u1"}`)
	c.get()
	c.upgrade().sync()
	if by := s.hub.Stats().ByTransport; by["websocket"] != 1 {
		t.Errorf("by transport: %v", by)
	}
}
