package redisstream

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// bridged returns options for a cluster that is bridged to servers with the pub/sub adapter.
func bridged(url string) Options {
	o := options(url)
	o.Stream = "roomcast"
	return o
}

// bridgeOf begins to bridge a log. The test closes it.
func bridgeOf(t testing.TB, l *Log) *Ingest {
	t.Helper()
	g := OpenIngest(l, IngestOptions{Servers: DefaultServersKey}, nil)
	t.Cleanup(g.Close)
	return g
}

// hearing waits until one of these has the lock, listens and knows its position, and returns its index.
func hearing(t testing.TB, s *redistest.Server, all ...*Ingest) int {
	t.Helper()
	at := holder(t, all...)
	servertest.Eventually(t, "a position", func() bool {
		return s.Do(t, "EXISTS", "roomcast:{roomcast}:bridge") == int64(1)
	})
	return at
}

// passed waits until the bridge has published everything up to a message.
func passed(t testing.TB, s *redistest.Server, m *notify.Message) {
	t.Helper()
	at := string(nodewire.AppendStreamID(nil, m.ID))
	servertest.Eventually(t, "a position", func() bool { return s.Do(t, "GET", "roomcast:{roomcast}:bridge") == at })
}

// heard has what servers with the pub/sub adapter get.
type heard struct {
	mu  sync.Mutex
	all []string // guarded by mu: channels and messages
}

// hear subscribes as these servers do.
func hear(t testing.TB, s *redistest.Server) *heard {
	t.Helper()
	o, err := redis.ParseURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(o)
	sub := client.PSubscribe(t.Context(), "socket.io#*")
	if err := sub.Subscribe(t.Context(), "socket.io-request#/#"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := sub.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	h := &heard{}
	var running sync.WaitGroup
	running.Go(func() {
		for m := range sub.Channel(redis.WithChannelSize(1 << 16)) {
			h.mu.Lock()
			h.all = append(h.all, m.Channel+" "+textOf(t, m))
			h.mu.Unlock()
		}
	})
	t.Cleanup(func() { _ = sub.Close(); _ = client.Close(); running.Wait() })
	return h
}

// textOf returns a message in JSON.
func textOf(t testing.TB, m *redis.Message) string {
	channel, ok := nodewire.ParseChannel("socket.io", m.Channel)
	if !ok {
		t.Errorf("channel %s", m.Channel)
	}
	if channel.Medium == nodewire.Requests {
		return m.Payload
	}
	e, err := nodewire.DecodeArray(channel.Namespace, []byte(m.Payload))
	if err != nil {
		t.Errorf("%s: %v", m.Channel, err)
		return ""
	}
	text, _ := json.Marshal([]any{e.UID, e.Packet.JSON, e.Opts.Rooms, e.Opts.Except, e.Opts.Volatile})
	return string(text)
}

func (h *heard) texts() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.all)
}

// await waits for n messages and returns all.
func (h *heard) await(t testing.TB, n int) []string {
	t.Helper()
	servertest.Eventually(t, "messages for the servers", func() bool { return len(h.texts()) >= n })
	return h.texts()
}

// Servers with the pub/sub adapter get what nodes of Roomcast and servers with the streams adapter send,
// once and in the order of the stream, and not what they have sent themselves.
func TestBridge(t *testing.T) {
	t.Parallel()
	// With the rules in the documentation, for this stream, and that for the key.
	user := strings.ReplaceAll(nodeUser, "socket.io*", "roomcast*") + " &socket.io*"
	s := redistest.Start(t, redistest.Options{Users: []string{user}})
	c := dial(t, bridged(s.URLOf("roomcast", "node-password")))
	l := openLog(t, c, nil)
	readFrom(t, l)
	before := add(t, l, "before there is a bridge")
	g := bridgeOf(t, l)
	hearing(t, s, g)
	passed(t, s, before)
	h := hear(t, s)

	uid := g.serversUID()
	to := func(m *notify.Message, change func(*notify.Message)) *notify.Message {
		change(m)
		if err := l.Append(t.Context(), []*notify.Message{m}); err != nil {
			t.Fatal(err)
		}
		return m
	}
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	one := to(message("one"), func(m *notify.Message) { m.Timestamp, m.Metadata = at, json.RawMessage(`{"k":1}`) })
	to(message("two"), func(m *notify.Message) {
		m.Rooms, m.Except, m.Args = []string{"r", "client:Dq4zJd3bG0wq1Z6pAAAB"}, []string{"x"}, json.RawMessage(`[1,"a"]`)
	})
	to(message(""), func(m *notify.Message) { m.Rooms, m.Bare, m.Data = []string{"*"}, true, json.RawMessage(`[3]`) })
	ordered := []*nodewire.Entry{
		{Type: nodewire.TypeJoin, UID: l.UID(), Namespace: "/", Opts: nodewire.Opts{Rooms: []string{"user:u"}},
			Rooms: []string{"t"}, RequestID: "r1"},
		{Type: nodewire.TypeDisconnect, UID: l.UID(), Namespace: "/", Opts: nodewire.Opts{Rooms: []string{"t"}},
			Close: true},
		{Type: nodewire.TypeServerEmit, UID: l.UID(), Namespace: "/", Packet: nodewire.Value{JSON: json.RawMessage(`["no"]`)}},
	}
	if err := l.Calls().Append(t.Context(), ordered...); err != nil {
		t.Fatal(err)
	}
	s.Do(t, "XADD", "roomcast", "*", "uid", "aa", "nsp", "/", "type", "3", "data",
		`{"packet":{"type":2,"data":["of Node",{"x":1}]},"opts":{"rooms":["42"],"except":[],"flags":{}}}`)
	s.Do(t, "XADD", "roomcast", "*", "uid", "emitter", "nsp", "/", "type", "3", "data",
		`{"packet":{"type":2,"data":["theirs"]},"opts":{"rooms":[],"except":[],"flags":{}}}`, "via", "socket.io")
	s.Do(t, "XADD", "roomcast", "*", "uid", "bb", "nsp", "/", "type", "3", "data", "{}") // damaged
	for _, via := range []string{"", "socket.io"} {                                      // volatile messages are in no stream
		e := &nodewire.Entry{Type: nodewire.TypeBroadcast, UID: "cc", Namespace: "/", Via: via,
			Opts:   nodewire.Opts{Rooms: []string{"r"}, Volatile: true},
			Packet: nodewire.Value{JSON: json.RawMessage(`["now"]`)}}
		raw, err := e.AppendMap(nil)
		if err != nil {
			t.Fatal(err)
		}
		h.await(t, 6) // the stream and the channels are two
		s.Do(t, "PUBLISH", "roomcast#/#", string(raw))
	}
	h.await(t, 7)
	last := add(t, l, "last")
	want := []string{
		`socket.io#/#r# ["` + uid + `",["t",{"id":"` + one.ID.String() + `","type":"t","data":"one",` +
			`"timestamp":"2026-11-29T12:00:00.000Z","metadata":{"k":1}}],["r"],null,false]`,
		`socket.io#/# ["` + uid + `",["t",1,"a"],["r","Dq4zJd3bG0wq1Z6pAAAB"],["x"],false]`,
		`socket.io#/# ["` + uid + `",["t",[3]],null,null,false]`,
		`socket.io-request#/# {"uid":"` + uid + `","type":2,"opts":{"rooms":["user:u"],"except":[]},"rooms":["t"]}`,
		`socket.io-request#/# {"uid":"` + uid + `","type":4,"opts":{"rooms":["t"],"except":[]},"close":true}`,
		`socket.io#/#42# ["` + uid + `",["of Node",{"x":1}],["42"],null,false]`,
		`socket.io#/#r# ["` + uid + `",["now"],["r"],null,true]`,
	}
	got := h.await(t, len(want)+1)
	if n := len(got) - 1; !slices.Equal(got[:n], want) || !strings.Contains(got[n], `"`+last.ID.String()+`"`) {
		t.Errorf("got\n%s\nwant\n%s\nand %v", strings.Join(got, "\n"), strings.Join(want, "\n"), last.ID)
	}
	if strings.Contains(strings.Join(got, ""), before.ID.String()) || g.Skipped() != 0 || g.Dropped() != 0 {
		t.Errorf("skipped %d, dropped %d", g.Skipped(), g.Dropped())
	}
}

// What servers with the pub/sub adapter send is stored, and does not come back to them.
func TestBridgeStores(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	l := openLog(t, dial(t, bridged(s.URL())), nil)
	r, g := readFrom(t, l), bridgeOf(t, l)
	hearing(t, s, g)
	h := hear(t, s)
	for i := range 3 {
		channel, payload := emitted(t, "2sUn7M", fmt.Sprint(i), false)
		s.Do(t, "PUBLISH", channel, payload)
	}
	channel, own := emitted(t, g.serversUID(), "own", false)
	s.Do(t, "PUBLISH", channel, own)
	channel, now := emitted(t, "2sUn7M", "now", true)
	s.Do(t, "PUBLISH", channel, now)
	s.Do(t, "PUBLISH", "roomcast#/#", "\x93garbage, which REDIS_INGEST=emitter would read")
	s.Do(t, "PUBLISH", "socket.io-request#/#", `{"uid":"2sUn7M","type":2,"opts":{"rooms":["r"],"except":[]},"rooms":["t"]}`)
	channel, payload := emitted(t, "2sUn7M", "last", false)
	s.Do(t, "PUBLISH", channel, payload)
	r.awaitArgs(t, "last")
	if got, want := r.args(), []string{`["0"]`, `["1"]`, `["2"]`, `["last"]`}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	add(t, l, "from Roomcast")
	sent := []string{"0", "1", "2", "own", "now", `"type":2`, "last"}
	got := h.await(t, len(sent)+1)
	if len(got) != len(sent)+1 || !strings.Contains(got[len(sent)], "from Roomcast") || g.Skipped() != 0 {
		t.Errorf("skipped %d; the servers got\n%s", g.Skipped(), strings.Join(got, "\n"))
	}
	for _, e := range s.Do(t, "XRANGE", "roomcast", "-", "+").([]any) {
		text := fmt.Sprint(e)
		if !strings.Contains(text, " data ") {
			continue // of the node
		}
		if fromRoomcast := strings.Contains(text, " rc "); strings.Contains(text, "via socket.io") == fromRoomcast {
			t.Errorf("entry %s", text)
		}
	}
}

// A node publishes to the servers when it listens to them, so that what they answer is not lost.
func TestBridgeListensFirst(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{
		Users: []string{strings.Replace(nodeUser, " +psubscribe", "", 1)}})
	s.Do(t, "ACL", "SETUSER", "roomcast", "allkeys", "allchannels")
	h := hear(t, s)
	c, log := newClient(t, bridged(s.URLOf("roomcast", "node-password")))
	l := openLog(t, c, nil)
	readFrom(t, l)
	add(t, l, "waits")
	g := bridgeOf(t, l)
	servertest.Eventually(t, "a node that may not listen, and says so", func() bool {
		return strings.Contains(log.Text(), "psubscribe") && g.BridgeLag() > time.Second
	})
	if all := h.texts(); len(all) > 0 || g.isHolder() {
		t.Fatalf("%v", all)
	}
	s.Do(t, "ACL", "SETUSER", "roomcast", "+psubscribe")
	h.await(t, 1)
	if !g.isHolder() {
		t.Error("it does not listen")
	}
}
