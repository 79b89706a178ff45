package server

import (
	"runtime"
	"strings"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/notify"
)

func smallSessionTable(t *testing.T) func(*Options) {
	return func(o *Options) {
		o.Hub = hubWith(t, func(o *notify.Options) { o.MaxSessions = 10 })
	}
}

// A client that never acknowledges keeps a bounded number of callbacks.
func TestUnansweredAcknowledgementsAreBounded(t *testing.T) {
	s := newStack(t, nil)
	client := make(chan *socket.Socket, 1)
	_ = s.sio.IO().On("connection", func(args ...any) { client <- args[0].(*socket.Socket) })
	c, _ := s.connect(`{"userId":"u1"}`)
	sock := <-client
	for range 500 {
		_ = sock.Emit("question", func([]any, error) {})
		if got := c.read(); !strings.HasSuffix(got, `["question"]`) {
			t.Fatalf("got %s", got)
		}
	}
	if n := sock.Acks().Len(); n > 64 {
		t.Errorf("%d callbacks wait", n)
	}
}

// What a client says at CONNECT lives as long as its connection, so it is small.
func TestTheConnectPayloadIsSmall(t *testing.T) {
	s := newStack(t, nil)
	payload := `40{"userId":"u1","junk":[` + strings.Repeat("{},", 300_000) + `{}]}`
	before := heap()
	const clients = 4
	for range clients {
		c := s.dial("")
		c.send(payload)
		_, _ = c.next() // let in or not
	}
	if per := (heap() - before) / clients; per > 1<<20 {
		t.Errorf("a connection keeps %d MiB of its CONNECT", per>>20)
	}
}

// heap is what is in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A list of channels is bounded like that of a handshake: each name is looked up
// under the lock that every delivery needs.
func TestAListOfChannelsIsBounded(t *testing.T) {
	s := newStack(t, nil)
	c, _ := s.connect(`{"userId":"u1"}`)
	c.send(`42["subscribe",{"channels":["` + strings.Repeat(`x","`, 100_000) + `x"]}]`)
	if got := c.read(); !strings.HasPrefix(got, `42["error",`) {
		t.Errorf("a list of 100,001 names was answered %.60s… (%d bytes)", got, len(got))
	}
}

// What clients send to a channel is bounded like what backends publish, since it
// takes the same place in the history.
func TestAClientsMessageIsBounded(t *testing.T) {
	s := newStack(t, nil)
	c, _ := s.connect(`{"userId":"u1"}`)
	c.send(`42["join-room","r"]`)
	c.event("room-joined", nil)
	c.send(`42["send-message",{"room":"r","message":"` + strings.Repeat("x", 300<<10) + `"}]`)
	if got := c.read(); !strings.HasPrefix(got, `42["error",`) {
		t.Errorf("got %.60s", got)
	}
}

// The contract's table knows auth:refresh.
func TestAuthRefreshIsAnswered(t *testing.T) {
	s := newStack(t, nil)
	c, _ := s.connect(`{"userId":"u1"}`)
	c.send(`421["auth:refresh",{"token":"nonsense"}]`)
	if got := c.read(); strings.Contains(got, "unknown_event") {
		t.Errorf("got %s", got)
	}
}
