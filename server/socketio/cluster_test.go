package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/notify/cluster/peers"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/nodetest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// node is a server of a cluster. Only its volatile messages reach the others: the log is in memory.
type node struct {
	*testStack
	peers *peers.Peers
}

func newNode(t *testing.T, redis *redistest.Server) *node {
	t.Helper()
	channels := nodetest.Channels(t, nodetest.Dial(t, redis))
	n := &node{}
	t.Cleanup(func() { n.peers.Close() })
	n.testStack = newStack(t, func(o *Options) {
		n.peers = peers.New(channels, redis.Stream(t), peers.DefaultOptions())
		o.Peers = n.peers
		o.Hub = servertest.HubWith(t, func(ho *notify.Options) { ho.Relay = n.peers.Relay() })
	})
	n.sio.JoinCluster()
	return n
}

// cluster returns two nodes that know each other in "/".
func cluster(t *testing.T) (redis *redistest.Server, a, b *node) {
	t.Helper()
	redis = redistest.Start(t, redistest.Options{})
	a, b = newNode(t, redis), newNode(t, redis)
	together(t, "/", a, b)
	return redis, a, b
}

// together waits until the nodes count each other in a namespace.
func together(t *testing.T, namespace string, nodes ...*node) {
	t.Helper()
	for _, n := range nodes {
		servertest.Eventually(t, "all servers are counted", func() bool {
			count, err := n.sio.ServerCount(t.Context(), namespace)
			return err == nil && count == len(nodes)
		})
	}
}

func patience(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), servertest.Patience)
	t.Cleanup(cancel)
	return ctx
}

func TestFetchConnsOfCluster(t *testing.T) {
	t.Parallel()
	_, a, b := cluster(t)
	_, one := a.Connect(`{"userId":"u1","channels":["r"]}`)
	_, two := b.Connect(`{"userId":"u2","channels":["r"]}`)
	b.Connect(`{"userId":"u3"}`)
	b.sio.To(two.ClientID).Conns()[0].SetData(map[string]any{"name": "x"})

	infos, err := a.sio.To("r").FetchConns(patience(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(infos) != 2 || infos[0].ID != one.ClientID || infos[1].ID != two.ClientID {
		t.Fatalf("%+v, want %s and %s", infos, one.ClientID, two.ClientID)
	}
	other := infos[1]
	if want := []string{two.ClientID, "r", "user:u2"}; !slices.Equal(other.Rooms, want) {
		t.Errorf("rooms %q, want %q", other.Rooms, want)
	}
	if string(other.Data) != `{"name":"x"}` {
		t.Errorf("data %s", other.Data)
	}
	var h struct {
		Headers map[string]string
		Query   map[string]any
		Address string
		Issued  int64
		Time    string
	}
	if err := json.Unmarshal(other.Handshake, &h); err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(nodeTime, h.Time)
	if h.Headers["upgrade"] != "" || h.Headers["host"] == "" || h.Query["EIO"] != "4" ||
		h.Address != "127.0.0.1" || err != nil || at.Unix() != h.Issued/1000 {
		t.Errorf("handshake %s", other.Handshake)
	}
	local, err := a.sio.To("r").Local().FetchConns(patience(t))
	if err != nil || len(local) != 1 || local[0].ID != one.ClientID {
		t.Errorf("local: %+v, %v", local, err)
	}
}

func TestServerSideEvents(t *testing.T) {
	t.Parallel()
	_, a, b := cluster(t)
	got := make(chan string, 4)
	b.sio.Of("/").OnServerSide("job", func(_ context.Context, e *ServerEvent) {
		var n int
		var data []byte
		if err := e.Bind(&n, &data); err != nil {
			t.Error(err)
		}
		got <- string(data)
		if err := e.Ack(map[string]any{"n": n, "data": data}); err != nil {
			t.Error(err)
		}
	})
	root := a.sio.Of("/")
	if err := root.ServerSideEmit(patience(t), "job", 1, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if data := servertest.Receive(t, got); data != "x" {
		t.Errorf("got %q", data)
	}
	answers, err := root.ServerSideAsk(patience(t), "job", 2, []byte("y"))
	if err != nil || len(answers) != 1 {
		t.Fatalf("%v, %v", answers, err)
	}
	var answer struct {
		N    int
		Data []byte
	}
	if err := answers[0].Bind(&answer); err != nil || answer.N != 2 || string(answer.Data) != "y" {
		t.Errorf("answer %+v, %v", answer, err)
	}

	answers, err = root.ServerSideAsk(patience(t), "unknown")
	if err != nil || len(answers) != 1 || string(answers[0].JSON(0)) != "null" {
		t.Errorf("without a handler: %v, %v", answers, err)
	}
	if err := root.ServerSideEmit(patience(t), "connection"); err == nil {
		t.Error("sent a reserved event")
	}
}

func TestAskClientsOfCluster(t *testing.T) {
	t.Parallel()
	_, a, b := cluster(t)
	one, sid := a.Connect(`{"userId":"u1","channels":["r"]}`)
	two, _ := b.Connect(`{"userId":"u2","channels":["r"]}`)
	three, _ := b.Connect(`{"userId":"u3","channels":["r"]}`)
	answers := make(chan []Answer, 1)
	go func() {
		list, err := a.sio.To("r").Ask(patience(t), "q", "x")
		if err != nil {
			t.Error(err)
		}
		answers <- list
	}()
	for i, c := range []*servertest.WebSocket{one, two, three} {
		packet := c.Read()
		id, ok := strings.CutSuffix(strings.TrimPrefix(packet, "42"), `["q","x"]`)
		if !ok {
			t.Fatalf("packet %q", packet)
		}
		c.Send("43" + id + `["answer ` + string(rune('0'+i)) + `","more"]`)
	}
	var texts []string
	for _, answer := range servertest.Receive(t, answers) {
		texts = append(texts, string(answer.JSON(0))+" "+answer.ClientID)
	}
	slices.Sort(texts)
	want := []string{`"answer 0" ` + sid.ClientID, `"answer 1" `, `"answer 2" `}
	if !slices.Equal(texts, want) {
		t.Errorf("answers %q, want %q", texts, want)
	}
}

func TestAskReportsClientsThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	_, a, b := cluster(t)
	c, sid := b.Connect(`{"userId":"u2"}`)
	conn := b.sio.To(sid.ClientID).Conns()[0]
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		answers, err := a.sio.To().Ask(ctx, "q")
		if len(answers) != 0 {
			t.Errorf("answers %v", answers)
		}
		done <- err
	}()
	if packet := c.Read(); !strings.HasSuffix(packet, `["q"]`) {
		t.Fatalf("packet %q", packet)
	}
	cancel()
	if err := servertest.Receive(t, done); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	conn.Close() // ends the ask of the other server
}

func TestRoomsOfClusterChange(t *testing.T) {
	t.Parallel()
	redis, a, b := cluster(t)
	c, sid := b.Connect(`{"userId":"u2","channels":["r"]}`)
	in := func(room string) func() bool {
		return func() bool { return len(b.sio.To(room).Conns()) == 1 }
	}
	a.sio.To("r").Join("s", "*")
	servertest.Eventually(t, "joined", in("s"))
	a.sio.To(sid.ClientID).Leave("r")
	servertest.Eventually(t, "left", func() bool { return !in("r")() })
	a.sio.To("s").Local().Leave("s")
	a.sio.To("s").Close()
	if got := c.Read(); got != "41" {
		t.Errorf("packet %q, want a DISCONNECT", got)
	}
	c2, _ := b.Connect(`{"userId":"u3"}`)
	a.sio.To().CloseTransport()
	if before := c2.Closed(); !slices.Equal(before, []string{"41"}) {
		t.Errorf("packets %q", before)
	}
	var types []string
	for _, entry := range redis.Do(t, "XRANGE", "socket.io", "-", "+").([]any) {
		if fields := entry.([]any)[1].([]any); len(fields) > 6 { // else a heartbeat
			types = append(types, fields[5].(string)+fields[7].(string))
		}
	}
	want := []string{
		`4{"opts":{"rooms":["r"],"except":[],"flags":{}},"rooms":["s","*"]}`,
		`5{"opts":{"rooms":["` + sid.ClientID + `"],"except":[],"flags":{}},"rooms":["r"]}`,
		`6{"opts":{"rooms":["s"],"except":[],"flags":{}},"close":false}`,
		`6{"opts":{"rooms":[],"except":[],"flags":{}},"close":true}`,
	}
	if !slices.Equal(types, want) {
		t.Errorf("entries %q", types)
	}
}

// A change with a name waits, in case this server is asked for it in another way. It is for the clients
// of the time when it comes, and not for those that connect while it waits.
func TestNamedChangeOfCluster(t *testing.T) {
	t.Parallel()
	_, a, b := cluster(t)
	old, _ := b.Connect(`{"userId":"u2"}`)
	a.sio.To("user:u2").Named("n1").CloseOthers()
	a.sio.To("user:u2").Join("read") // comes after it
	servertest.Eventually(t, "joined", func() bool { return len(b.sio.To("read").Conns()) == 1 })
	c, sid := b.Connect(`{"userId":"u2"}`)
	if before := old.Closed(); !slices.Equal(before, []string{"41"}) {
		t.Errorf("packets %q", before)
	}
	c.Sync()
	if len(b.sio.To(sid.ClientID).Conns()) != 1 {
		t.Error("the later connection is gone")
	}
}

// Node servers count the nodes of a namespace, so a node without it must not answer.
func TestNamespacesOfCluster(t *testing.T) {
	t.Parallel()
	_, a, b := cluster(t)
	b.sio.Of("/chat").OnServerSide("job", func(_ context.Context, e *ServerEvent) { _ = e.Ack(1) })
	together(t, "/chat", b) // a does not have it
	answers, err := a.sio.Of("/chat").ServerSideAsk(patience(t), "job")
	if err != nil || len(answers) != 1 {
		t.Errorf("answers %v, %v", answers, err)
	}
	together(t, "/chat", a, b)
	if list, err := a.sio.In("/none").FetchConns(patience(t)); err != nil || len(list) != 0 {
		t.Errorf("fetched %v, %v", list, err)
	}
}

// A server with adapter 0.2 is asked through the stream.
func TestCallsInStream(t *testing.T) {
	t.Parallel()
	redis, a, b := cluster(t)
	_, sid := b.Connect(`{"userId":"u2"}`)
	old := redis.Stream(t)
	const uid = "0123456789abcdef"
	seen := make(chan *nodewire.Entry, 100)
	old.Receive(func(e *nodewire.Entry) {
		if e.Type == nodewire.TypeFetchSockets {
			answer := &nodewire.Entry{UID: uid, Namespace: e.Namespace, RequestID: e.RequestID}
			if err := answer.SetSockets([]nodewire.Socket{{ID: "old"}}); err != nil {
				t.Error(err)
			}
			if err := old.Append(t.Context(), answer); err != nil {
				t.Error(err)
			}
		}
		seen <- e
	})
	hello := &nodewire.Entry{Type: nodewire.TypeHello, UID: uid, Namespace: "/"}
	if err := old.Append(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	for from := map[string]bool{}; len(from) < 2; { // both nodes greet it
		if e := servertest.Receive(t, seen); e.Type == nodewire.TypeHeartbeat {
			from[e.UID] = true
		}
	}
	if n, err := a.sio.ServerCount(patience(t), "/"); err != nil || n != 3 {
		t.Errorf("%d servers, %v", n, err)
	}
	infos, err := a.sio.To().FetchConns(patience(t))
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{infos[0].ID, infos[1].ID}
	slices.Sort(ids)
	want := []string{sid.ClientID, "old"}
	slices.Sort(want)
	if len(infos) != 2 || !slices.Equal(ids, want) {
		t.Errorf("clients %v, want %v", ids, want)
	}
}

// A volatile event reaches the clients of all servers, and a local one those of its own. Neither has
// an id of its own.
func TestVolatileEventsOfCluster(t *testing.T) {
	t.Parallel()
	_, a, b := cluster(t)
	one, _ := a.Connect(`{"userId":"u1","channels":["r"]}`)
	two, sid := b.Connect(`{"userId":"u2","channels":["r"]}`)
	three, _ := b.Connect(`{"userId":"u3"}`)
	emit := func(to Broadcast, event string, args ...any) {
		t.Helper()
		if _, err := to.Emit(event, args...); err != nil {
			t.Fatal(err)
		}
	}
	emit(a.sio.To("r").Local(), "local", 0)
	emit(a.sio.To("r").Volatile(), "room", 1, []byte{2})
	emit(a.sio.To().Except("r").Volatile(), "others")
	emit(a.sio.To(sid.ClientID).Volatile(), "one")
	emit(b.sio.To("r").Volatile(), "back")
	expect := func(c *servertest.WebSocket, want ...string) {
		t.Helper()
		for _, event := range want {
			if packet := c.Read(); !strings.Contains(packet, `["`+event+`"`) {
				t.Errorf("packet %q, want %s", packet, event)
			} else if event == "room" {
				if data := c.Read(); data != "\x02" {
					t.Errorf("attachment %q", data)
				}
			}
		}
	}
	expect(one, "local", "room", "back")
	expect(three, "others")
	got := []string{two.Read(), two.Read(), two.Read(), two.Read()} // "back" comes at any place
	slices.SortStableFunc(got, func(x, y string) int {
		return strings.Count(x, `["back"`) - strings.Count(y, `["back"`)
	})
	for i, part := range []string{`["room",1,{"_placeholder":true,"num":0}`, "\x02", `["one"`, `["back"`} {
		if !strings.Contains(got[i], part) {
			t.Errorf("packet %q, want %q", got[i], part)
		}
	}
}
