package library

import (
	"strings"
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/notify/cluster/peers"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/nodetest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
	"github.com/roomcast/roomcast/server/socketio"
)

// newNode returns a server of a cluster.
func newNode(t *testing.T, redis *redistest.Server) *testStack {
	t.Helper()
	channels := nodetest.Channels(t, nodetest.Dial(t, redis))
	p := peers.New(channels, redis.Stream(t), peers.DefaultOptions())
	t.Cleanup(p.Close)
	s := newStack(t, func(o *socketio.Options) { o.Peers = p })
	s.sio.JoinCluster()
	return s
}

type result struct {
	values []any
	err    error
}

func TestCallsBetweenServers(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{})
	a, b := newNode(t, redis), newNode(t, redis)
	b.io.On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		client.SetData(struct {
			N int `json:"n"`
		}{1})
		client.Join("r")
	})
	events := make(chan []any, 10)
	b.io.On("job", func(args ...any) {
		if ack, ok := args[len(args)-1].(socket.Ack); ok {
			ack([]any{"done"}, nil)
			args = args[:len(args)-1]
		}
		events <- args
	})
	servertest.Eventually(t, "the servers count each other", func() bool {
		return a.io.Of("/", nil).Adapter().ServerCount() == 2 && b.io.Of("/", nil).Adapter().ServerCount() == 2
	})
	c, connected := b.Connect(`{"userId":"u"}`)

	if err := a.io.ServerSideEmit("job", "x", 7); err != nil {
		t.Fatal(err)
	}
	if got := servertest.Receive(t, events); len(got) != 2 || got[0] != "x" || got[1] != 7.0 {
		t.Errorf("got %v", got)
	}
	results := make(chan result, 10)
	ack := func(values []any, err error) { results <- result{values, err} }
	if err := a.io.ServerSideEmitWithAck("job")(ack); err != nil {
		t.Fatal(err)
	}
	if r := servertest.Receive(t, results); r.err != nil || len(r.values) != 1 || r.values[0] != "done" {
		t.Errorf("answers %v, %v", r.values, r.err)
	}
	if err := a.io.ServerSideEmitWithAck("unknown")(ack); err != nil {
		t.Fatal(err)
	}
	if r := servertest.Receive(t, results); r.err != nil || len(r.values) != 1 || r.values[0] != nil {
		t.Errorf("answers %v, %v", r.values, r.err)
	}

	fetched := make(chan []*socket.RemoteSocket, 1)
	a.io.In("r").FetchSockets()(func(sockets []*socket.RemoteSocket, err error) {
		if err != nil {
			t.Error(err)
		}
		fetched <- sockets
	})
	sockets := servertest.Receive(t, fetched)
	if len(sockets) != 1 || string(sockets[0].Id()) != connected.ClientID || !sockets[0].Rooms().Has("r") ||
		sockets[0].Data().(map[string]any)["n"] != 1.0 ||
		sockets[0].Handshake().Query["EIO"][0] != "4" {
		t.Fatalf("fetched %v", sockets)
	}
	a.io.Local().FetchSockets()(func(sockets []*socket.RemoteSocket, err error) {
		if len(sockets) != 0 || err != nil {
			t.Errorf("local: %v, %v", sockets, err)
		}
	})

	a.io.In("r").SocketsJoin("s")
	servertest.Eventually(t, "joined", func() bool { return len(b.sio.To("s").Conns()) == 1 })
	sockets[0].Leave("s")
	servertest.Eventually(t, "left", func() bool { return len(b.sio.To("s").Conns()) == 0 })
	a.io.In("r").DisconnectSockets(false)
	if got := c.Read(); got != "41" {
		t.Errorf("packet %q, want a DISCONNECT", got)
	}
}

// The library counts the answers with a data race, see BroadcastWithAck.
func TestAcknowledgementsOfOtherServers(t *testing.T) {
	t.Parallel()
	if crowd > 1 {
		t.Skip("the race detector finds that of the library")
	}
	redis := redistest.Start(t, redistest.Options{})
	a, b := newNode(t, redis), newNode(t, redis)
	servertest.Eventually(t, "the servers count each other", func() bool {
		return a.io.Of("/", nil).Adapter().ServerCount() == 2
	})
	one, _ := a.Connect(`{"userId":"u"}`)
	two, _ := b.Connect(`{"userId":"v"}`)
	results := make(chan result, 1)
	go a.io.Timeout(servertest.Patience).EmitWithAck("ask", "x")(func(values []any, err error) {
		results <- result{values, err}
	})
	for i, c := range []*servertest.WebSocket{one, two} {
		id, ok := strings.CutSuffix(strings.TrimPrefix(c.Read(), "42"), `["ask","x"]`)
		if !ok {
			t.Fatal("another packet")
		}
		c.Send("43" + id + `["` + string(rune('a'+i)) + `"]`)
	}
	if r := servertest.Receive(t, results); r.err != nil || len(r.values) != 2 {
		t.Errorf("answers %v, %v", r.values, r.err)
	}
	go a.io.Timeout(50*time.Millisecond).EmitWithAck("ask", "x")(func(values []any, err error) {
		results <- result{values, err}
	})
	if r := servertest.Receive(t, results); r.err == nil {
		t.Errorf("answers %v in time", r.values)
	}
}
