package socketio

import (
	"sync"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/peers"
	"github.com/roomcast/roomcast/notify/cluster/redisstream"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/nodetest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// A function that emits for each client which a server on Node joins to a room does not delay what
// comes next in the stream.
func TestJoinOfNodeDoesNotWaitForHandlers(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{})
	client := nodetest.Dial(t, redis)
	log, err := redisstream.OpenLog(client, redisstream.DefaultLogOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	channels := nodetest.Channels(t, client)
	po := peers.DefaultOptions()
	po.UID = log.UID()
	all := peers.New(channels, log.Calls(), po)
	t.Cleanup(all.Close)
	hub := notify.New(log, notify.DefaultOptions())
	t.Cleanup(hub.Close)
	s := newStack(t, func(o *Options) { o.Hub, o.Peers = hub, all })
	servertest.Eventually(t, "the stream is read", func() bool { return hub.Ready() == nil })

	const n = 20
	emitted, arrived := make(chan error, n), make(chan struct{})
	proceed := sync.OnceFunc(func() { close(arrived) })
	defer proceed()
	hub.OnRoomChange(func(c notify.RoomChange) {
		if c.Room != "T" || c.Kind != notify.RoomJoined {
			return
		}
		<-arrived // what comes after the join
		_, err := s.sio.To("R").Emit("joined", c.Member.ClientID())
		emitted <- err
	})
	s.sio.JoinCluster()
	var clients []*servertest.WebSocket
	for range n {
		c, _ := s.Connect(`{"userId":"u1","channels":["R"]}`)
		clients = append(clients, c)
	}
	entry := func(kind, data string) {
		redis.Do(t, "XADD", redisstream.DefaultOptions().Stream, "*", "uid", "329960bb08fd9f07",
			"nsp", "/", "type", kind, "data", data)
	}
	entry("4", `{"opts":{"rooms":["R"],"except":[],"flags":{}},"rooms":["T"]}`)
	entry("3", `{"packet":{"type":2,"data":["next"]},"opts":{"rooms":["T"],"except":[],"flags":{}}}`)
	for _, c := range clients {
		c.Event("next", nil)
	}
	proceed()
	for range n {
		if err := servertest.Receive(t, emitted); err != nil {
			t.Error(err)
		}
	}
	for range n {
		clients[0].Event("joined", nil)
	}
}
