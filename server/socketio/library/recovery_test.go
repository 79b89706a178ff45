package library

import (
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

func TestResumeMissesNothing(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c := s.Dial("")
	sid, pid, _, _ := c.JoinWithPid(`{"userId":"u1"}`)
	c.Send(`42["join-room","orders"]`)
	c.Event("room-joined", nil)
	s.Publish(`{"target":{"user":"u1"},"type":"seen","data":0}`)
	offset := c.Event("seen", nil)
	c.Conn.Close()
	s.Gone(sid)

	s.Publish(`{"target":{"user":"u1"},"type":"missed","data":1}`)
	s.Publish(`{"target":{"channel":"orders"},"type":"missed","data":2}`)
	_ = s.io.To(socket.Room(sid)).Emit("missed", map[string]any{"data": 3})
	s.Publish(`{"target":{"channel":"other"},"type":"foreign","data":4}`)

	c = s.Dial("")
	sid2, pid2, at, connected := c.JoinWithPid(servertest.Resume("u1", pid, offset))
	if sid2 != sid || pid2 != pid || !connected.Recovered || at != offset {
		t.Fatalf("resumed as %s/%s at %s recovered %v; was %s/%s at %s", sid2, pid2, at,
			connected.Recovered, sid, pid, offset)
	}
	for want := 1; want <= 3; want++ {
		var n struct{ Data int }
		if c.Event("missed", &n); n.Data != want {
			t.Fatalf("replayed %d, want %d", n.Data, want)
		}
	}
	var recovery struct {
		Recovered bool
		Replayed  int
	}
	if c.Event("recovery", &recovery); !recovery.Recovered || recovery.Replayed != 3 {
		t.Errorf("recovery says %+v", recovery)
	}
	c.Conn.Close()
	s.Gone(sid)

	// Without an offset, the session resumes at its own cursor, here its CONNECT.
	c = s.Dial("")
	_, _, _, connected = c.JoinWithPid(`{"userId":"u1","pid":"` + pid + `"}`)
	if !connected.Recovered {
		t.Error("not recovered by the pid alone")
	}
}

func TestNoRecoveryAfterServerDisconnect(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	s.io.DisconnectSockets(true)
	if got := c.Closed(); len(got) == 0 || got[0] != "41" {
		t.Fatalf("got %q before the close, want a DISCONNECT", got)
	}
	s.Gone(sid)
	c = s.Dial("")
	sid2, _, _, connected := c.JoinWithPid(servertest.Resume("u1", pid, offset))
	if sid2 == sid || connected.Recovered {
		t.Error("a session that the server ended was resumed")
	}
}

// A recovered session has the rooms that Go code joined, even those that the client may not join by
// itself. It does not have rooms that the new token does not name.
func TestResumeKeepsGrantedRooms(t *testing.T) {
	t.Parallel()
	s := newStack(t, withTokens(t))
	_ = s.io.On("connection", func(args ...any) {
		if sock := args[0].(*socket.Socket); !sock.Recovered() {
			sock.Join("granted", "odd#name")
		}
	})
	token := func(channels ...string) string {
		return servertest.SignHS256(t, servertest.Secret, map[string]any{
			"sub": "u1", "exp": time.Now().Add(time.Hour).Unix(), "channels": channels,
		})
	}
	c := s.Dial("")
	payload := `{"token":"` + token("team-*") + `","channels":["team-a"]}`
	sid, pid, offset, _ := c.JoinWithPid(payload)
	c.Sync()
	c.Conn.Close()
	s.Gone(sid)
	io := s.io
	_ = io.To("granted").Emit("granted", 1)
	_ = io.To("team-a").Emit("lost", 2)
	_ = io.To("odd#name").Emit("granted", 3)
	// The second time, the rooms come from a session that was itself resumed.
	for range 2 {
		c = s.Dial("")
		_, _, _, connected := c.JoinWithPid(`{"token":"` + token("orders") +
			`","pid":"` + pid + `","offset":"` + offset + `"}`)
		if !connected.Recovered {
			t.Fatal("not recovered")
		}
		for _, want := range []int{1, 3} {
			var n int
			if c.Event("granted", &n); n != want {
				t.Errorf("got %d, want %d", n, want)
			}
		}
		c.Event("recovery", nil)
		c.Conn.Close()
		s.Gone(sid)
	}
}

// Data belongs to the session: a client that recovers has it again, whether its transport closed
// earlier or is replaced. A new session has none.
func TestDataSurvivesRecovery(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *socketio.Options) {
		o.Hub = servertest.HubWith(t, func(o *notify.Options) { o.HistorySize = 256 })
	})
	seen := make(chan any, 1)
	_ = s.io.On("connection", func(args ...any) {
		sock := args[0].(*socket.Socket)
		seen <- sock.Data()
		sock.SetData("cart of " + string(sock.Id()))
	})
	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	if data := servertest.Receive(t, seen); data != nil {
		t.Errorf("a new client has %v", data)
	}
	c.Conn.Close()
	s.Gone(sid)
	for _, how := range []string{"after the transport closed", "replacing the old transport"} {
		c = s.Dial("")
		_, _, _, connected := c.JoinWithPid(servertest.Resume("u1", pid, offset))
		if !connected.Recovered {
			t.Fatal("not recovered")
		}
		if data := servertest.Receive(t, seen); data != "cart of "+sid {
			t.Errorf("%s: %v", how, data)
		}
		c.Event("recovery", nil)
	}
	for range 300 { // more than a room keeps
		s.Publish(`{"target":{"user":"u1"},"type":"n","data":1}`)
	}
	c.Conn.Close()
	s.Gone(sid)
	c = s.Dial("")
	_, _, _, connected := c.JoinWithPid(servertest.Resume("u1", pid, offset))
	if connected.Recovered {
		t.Fatal("recovered in spite of a gap")
	}
	if data := servertest.Receive(t, seen); data != nil {
		t.Errorf("a new session has %v", data)
	}
}
