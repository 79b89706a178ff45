package socketio

import (
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

func smallSessionTable(t *testing.T) func(*Options) {
	return func(o *Options) {
		o.Hub = servertest.HubWith(t, func(o *notify.Options) { o.MaxSessions = 10 })
	}
}

// What a client says at CONNECT lives as long as its connection, so it is small.
func TestTheConnectPayloadIsSmall(t *testing.T) {
	s := newStack(t, nil)
	payload := `40{"userId":"u1","junk":[` + strings.Repeat("{},", 300_000) + `{}]}`
	before := servertest.Heap()
	const clients = 4
	for range clients {
		c := s.Dial("")
		c.Send(payload)
		_, _ = c.Next() // let in or not
	}
	if per := (servertest.Heap() - before) / clients; per > 1<<20 {
		t.Errorf("a connection keeps %d MiB of its CONNECT", per>>20)
	}
}

// A list of channels is bounded like that of a handshake: each name is looked up
// under the lock that every delivery needs.
func TestAListOfChannelsIsBounded(t *testing.T) {
	s := newStack(t, nil)
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`42["subscribe",{"channels":["` + strings.Repeat(`x","`, 100_000) + `x"]}]`)
	if got := c.Read(); !strings.HasPrefix(got, `42["error",`) {
		t.Errorf("a list of 100,001 names was answered %.60s… (%d bytes)", got, len(got))
	}
}

// What clients send to a channel is bounded like what backends publish, since it
// takes the same place in the history.
func TestAClientsMessageIsBounded(t *testing.T) {
	s := newStack(t, nil)
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`42["join-room","r"]`)
	c.Event("room-joined", nil)
	c.Send(`42["send-message",{"room":"r","message":"` + strings.Repeat("x", 300<<10) + `"}]`)
	if got := c.Read(); !strings.HasPrefix(got, `42["error",`) {
		t.Errorf("got %.60s", got)
	}
}

// The contract's table knows auth:refresh.
func TestAuthRefreshIsAnswered(t *testing.T) {
	s := newStack(t, nil)
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`421["auth:refresh",{"token":"nonsense"}]`)
	if got := c.Read(); strings.Contains(got, "unknown_event") {
		t.Errorf("got %s", got)
	}
}
