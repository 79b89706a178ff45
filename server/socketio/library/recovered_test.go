package library

import (
	"slices"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// The same as in server/socketio: with everything that it missed, a client that comes back has its
// id, rooms and data. With a gap it has its rooms, and a new id and no data.
func TestWhatARecoveryRestores(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *socketio.Options) {
		o.Hub = servertest.HubWith(t, func(o *notify.Options) { o.HistorySize = 8 })
	})
	type state struct {
		id        string
		byClient  bool
		byGo      bool
		data      any
		recovered bool
	}
	connects, first := make(chan state, 1), true
	_ = s.io.On("connection", func(args ...any) {
		c := args[0].(*socket.Socket)
		rooms := c.Rooms().Keys()
		connects <- state{string(c.Id()), slices.Contains(rooms, "by-client"),
			slices.Contains(rooms, "by-go"), c.Data(), c.Recovered()}
		if first {
			c.Join("by-go")
			c.SetData("data")
		}
		first = false
	})
	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	servertest.Receive(t, connects)
	c.Send(`420["subscribe",{"channels":["by-client"]}]`)
	c.Sync()
	comeBack := func() state {
		t.Helper()
		c.Conn.Close()
		for _, m := range s.Hub.Members() {
			s.Gone(m.ClientID())
		}
		c = s.Dial("")
		c.JoinWithPid(servertest.Resume("u1", pid, offset))
		return servertest.Receive(t, connects)
	}
	if got, want := comeBack(), (state{sid, true, true, "data", true}); got != want {
		t.Errorf("without a loss it has %+v, want %+v", got, want)
	}
	for range 20 { // more than a room keeps
		s.Publish(`{"target":{"user":"u1"},"type":"n"}`)
	}
	got := comeBack()
	if want := (state{got.id, true, true, nil, false}); got != want || got.id == sid {
		t.Errorf("after a loss it has %+v, want %+v with a new id", got, want)
	}
}
