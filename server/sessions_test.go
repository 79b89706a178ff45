package server

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/notify/cluster/peers"
	"github.com/roomcast/roomcast/notify/cluster/redisstream"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
	"github.com/roomcast/roomcast/server/socketio"
)

// nodes are services that share a Redis.
type nodes struct {
	redis *redistest.Server
	buses []*redisstream.Bus
	call  bool // each other: for the API, and as Socket.IO servers
	t     *testing.T
}

func newNodes(t *testing.T) *nodes {
	t.Helper()
	return &nodes{redis: redistest.Start(t, redistest.Options{}), t: t}
}

// start starts a node.
func (n *nodes) start(change func(*socketio.Options)) *serviceStack {
	n.t.Helper()
	o := redisstream.DefaultOptions()
	o.URL = auth.Secret(n.redis.URL())
	ctx, cancel := context.WithTimeout(n.t.Context(), servertest.Patience)
	defer cancel()
	client, err := redisstream.Dial(ctx, o)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(client.Close)
	log, err := redisstream.OpenLog(client, redisstream.DefaultLogOptions())
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = log.Close() })
	bus, err := client.Join(ctx, cluster.Node{UID: log.UID()})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(bus.Close)
	n.buses = append(n.buses, bus)
	channels := redisstream.OpenChannels(client)
	n.t.Cleanup(channels.Close)
	po := peers.DefaultOptions()
	po.UID = log.UID()
	calls := peers.New(channels, log.Calls(), po)
	n.t.Cleanup(calls.Close)
	ho := notify.DefaultOptions()
	ho.ResumeTimeout = servertest.Patience // a busy machine finds a session, too
	ho.Cluster = &notify.Cluster{Node: bus.Self().UID, Sessions: client.Sessions(), Peers: bus.Peers()}
	hub := notify.New(log, ho)
	n.t.Cleanup(hub.Close)
	select {
	case <-log.Ready():
	case <-ctx.Done():
		n.t.Fatal("the node is not ready")
	}
	s := newServiceStack(n.t, func(o *socketio.Options) {
		o.Hub, o.Heartbeat = hub, 0
		if n.call {
			o.Peers = calls
		}
		if change != nil {
			change(o)
		}
	}, func(o *Options) {
		if n.call {
			o.Bus = bus
		}
	})
	s.sio.JoinCluster()
	return s
}

// silent adds a node that does not answer, as one that has just been killed.
func (n *nodes) silent() {
	n.t.Helper()
	o := redisstream.DefaultOptions()
	o.URL = auth.Secret(n.redis.URL())
	client, err := redisstream.Dial(n.t.Context(), o)
	if err != nil {
		n.t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Join(n.t.Context(), cluster.Node{UID: nodewire.NewUID()}); err != nil {
		n.t.Fatal(err)
	}
}

// saved waits until Redis has the session of a pid, with a room.
func (n *nodes) saved(pid, room string) {
	n.t.Helper()
	servertest.Eventually(n.t, "the session is saved", func() bool {
		text, _ := n.redis.Do(n.t, "GET", "sio:session:"+pid).(string)
		s, err := nodewire.DecodeSession(text)
		return err == nil && slices.Contains(s.Rooms, room)
	})
}

// events reads events until the one with this name, and returns the names.
func events(c *servertest.WebSocket, last string) (names []string) {
	for {
		text := c.Read()
		var args []json.RawMessage
		var name string
		if strings.HasPrefix(text, "42") && json.Unmarshal([]byte(text[2:]), &args) == nil {
			_ = json.Unmarshal(args[0], &name)
		}
		if names = append(names, name); name == last {
			return names
		}
	}
}

// readEvent reads a stream up to an event of this name, and returns its data and id.
func readEvent(t *testing.T, lines *bufio.Scanner, name string) (data, id string) {
	t.Helper()
	for event := ""; lines.Scan(); {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case field == "event":
			event = value
		case field == "data":
			data = value
		case field == "id":
			id = value
		case field == "" && event == name:
			return data, id
		case field == "":
			event = ""
		}
	}
	t.Fatalf("the stream ends before %q: %v", name, lines.Err())
	return "", ""
}

// A client that a node still takes for connected resumes on another node: with its id, its rooms, its
// data, and what was sent meanwhile. The former node ends its connection, so that the client does not
// give up.
func TestClientMovesToAnotherNode(t *testing.T) {
	t.Parallel()
	n := newNodes(t)
	seen := make(chan servertest.Restored, 2)
	handle := func(s *serviceStack, first bool) {
		s.sio.Of("/").OnConnect(func(_ context.Context, c *socketio.Conn) error {
			seen <- servertest.Restored{ID: c.ID(), ByClient: slices.Contains(c.Rooms(), "orders"),
				ByGo: slices.Contains(c.Rooms(), "by-go"), Data: c.Data(), Recovered: c.Recovered()}
			if first {
				c.Join("by-go")
				c.SetData(map[string]any{"cart": 3})
			}
			return nil
		})
	}
	a, b := n.start(nil), n.start(nil)
	handle(a, true)
	handle(b, false)
	old := a.Dial("")
	sid, pid, offset, _ := old.JoinWithPid(`{"userId":"u1"}`)
	servertest.Receive(t, seen)
	n.saved(pid, "by-go")
	old.Send(`42["join-room","orders"]`)
	old.Event("room-joined", nil)
	for _, to := range []string{`{"channel":"orders"}`, `{"user":"u1"}`, `{"client":"` + sid + `"}`, `{"channel":"by-go"}`} {
		b.Publish(`{"target":` + to + `,"type":"n"}`)
	}
	c := b.Dial("")
	sid2, pid2, _, connected := c.JoinWithPid(servertest.Resume("u1", pid, offset))
	if sid2 != sid || pid2 != pid || !connected.Recovered {
		t.Fatalf("resumed %s/%s as %s/%s, %+v", sid, pid, sid2, pid2, connected)
	}
	got := servertest.Receive(t, seen)
	if data, _ := got.Data.(json.RawMessage); string(data) != `{"cart":3}` {
		t.Errorf("data %s", got.Data)
	}
	if got.Data = nil; got != (servertest.Restored{ID: sid, ByClient: true, ByGo: true, Recovered: true}) {
		t.Errorf("the handler sees %+v", got)
	}
	if got, want := events(c, "recovery"), []string{"n", "n", "n", "n", "recovery"}; !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
	for _, text := range old.Closed() {
		if strings.HasPrefix(text, "41") {
			t.Error("the old connection got a DISCONNECT: its client would not come back")
		}
	}
	a.Gone(sid)
	a.Publish(`{"target":{"channel":"orders"},"type":"after"}`)
	c.Event("after", nil)
	c.Conn.Close()
	b.Gone(sid)
	c = a.Dial("")
	if again, _, _, connected := c.JoinWithPid(servertest.Resume("u1", pid, offset)); again != sid || !connected.Recovered {
		t.Errorf("back on the first node as %s, %+v", again, connected)
	}
}

// The session is bound to its user, and its channels to what the user may join now.
func TestMovedSessionIsAuthorisedAgain(t *testing.T) {
	t.Parallel()
	n := newNodes(t)
	authenticator, err := auth.New(auth.Options{Secret: auth.Secret(servertest.Secret)})
	if err != nil {
		t.Fatal(err)
	}
	change := func(o *socketio.Options) { o.Auth = authenticator }
	a, b := n.start(change), n.start(change)
	payload := func(user, pid, offset string, channels ...string) string {
		token := servertest.SignHS256(t, servertest.Secret, map[string]any{"sub": user,
			"exp": time.Now().Add(time.Hour).Unix(), "channels": append([]string{}, channels...)})
		return string(servertest.JSON(map[string]string{"token": token, "pid": pid, "offset": offset}))
	}
	old := a.Dial("")
	sid, pid, offset, _ := old.JoinWithPid(payload("u1", "", "", "x", "y"))
	for _, room := range []string{"x", "y"} {
		old.Send(`42["join-room","` + room + `"]`)
		old.Event("room-joined", nil)
	}
	n.saved(pid, "y")
	eve := b.Dial("")
	if got, _, _, connected := eve.JoinWithPid(payload("eve", pid, offset, "x")); got == sid || connected.Recovered {
		t.Fatalf("another user resumed: %+v", connected)
	}
	old.Sync() // and its owner was not disturbed
	for _, room := range []string{"x", "y"} {
		b.Publish(`{"target":{"channel":"` + room + `"},"type":"` + room + `"}`)
	}
	c := b.Dial("")
	if got, _, _, connected := c.JoinWithPid(payload("u1", pid, offset, "y")); got != sid || !connected.Recovered {
		t.Fatalf("resumed as %s, %+v", got, connected)
	}
	if got := events(c, "recovery"); !slices.Equal(got, []string{"y", "recovery"}) {
		t.Errorf("events %q", got)
	}
}

// A node that was killed has told nobody anything.
func TestClientOfAKilledNode(t *testing.T) {
	t.Parallel()
	n := newNodes(t)
	a, b := n.start(nil), n.start(nil)
	old := a.Dial("")
	sid, pid, offset, _ := old.JoinWithPid(`{"userId":"u1"}`)
	old.Send(`42["join-room","orders"]`)
	old.Event("room-joined", nil)
	n.saved(pid, "orders")
	n.buses[0].Close()
	b.Publish(`{"target":{"channel":"orders"},"type":"n"}`)
	c := b.Dial("")
	if got, _, _, connected := c.JoinWithPid(servertest.Resume("u1", pid, offset)); got != sid || !connected.Recovered {
		t.Fatalf("resumed as %s, %+v", got, connected)
	}
	if got := events(c, "recovery"); !slices.Equal(got, []string{"n", "recovery"}) {
		t.Errorf("events %q", got)
	}
}

// Of two connections that resume one session at the same time on two nodes, one has it at the end.
// The other misses nothing.
func TestSessionIsTakenTwice(t *testing.T) {
	t.Parallel()
	n := newNodes(t)
	a, b, c := n.start(nil), n.start(nil), n.start(nil)
	old := a.Dial("")
	sid, pid, offset, _ := old.JoinWithPid(`{"userId":"u1"}`)
	n.saved(pid, sid)
	b.Publish(`{"target":{"user":"u1"},"type":"n"}`)
	var running sync.WaitGroup
	for _, s := range []*serviceStack{b, c} {
		conn := s.Dial("")
		running.Go(func() {
			conn.Send("40" + servertest.Resume("u1", pid, offset))
			for { // until it is cut, or has what it missed
				text, err := conn.Next()
				if err != nil || strings.HasPrefix(text, `42["recovery"`) {
					return
				}
			}
		})
	}
	running.Wait()
	servertest.Eventually(t, "one node has the client", func() bool {
		has := 0
		for _, s := range []*serviceStack{a, b, c} {
			if s.Hub.Member("/", sid) != nil {
				has++
			}
		}
		return has == 1 && a.Hub.Member("/", sid) == nil
	})
	old.Closed()
}

// Without Redis a client resumes by its offset: with a new id, and everything that it missed in the
// rooms that it asks for.
func TestSessionWithoutRedis(t *testing.T) {
	t.Parallel()
	n := newNodes(t)
	a, b := n.start(nil), n.start(nil)
	old := a.Dial("")
	sid, pid, offset, _ := old.JoinWithPid(`{"userId":"u1"}`)
	n.saved(pid, sid)
	b.Publish(`{"target":{"user":"u1"},"type":"n"}`)
	for _, stop := range []func(){func() { n.redis.Pause(t) }, n.redis.Kill} {
		stop()
		c := b.Dial("")
		got, _, _, connected := c.JoinWithPid(servertest.Resume("u1", pid, offset))
		if got == sid || connected.Recovered {
			t.Fatalf("resumed as %s, %+v", got, connected)
		}
		if got := events(c, "recovery"); !slices.Equal(got, []string{"n", "recovery"}) {
			t.Errorf("events %q", got)
		}
	}
	old.Sync() // nobody has taken its session
	old.Conn.Close()
	a.Gone(sid)
	same := a.Dial("") // which still knows the session
	if got, _, _, connected := same.JoinWithPid(servertest.Resume("u1", pid, offset)); got != sid || !connected.Recovered {
		t.Errorf("resumed as %s, %+v", got, connected)
	}
}

// After the API has disconnected a user, no node resumes a session of the time before.
func TestDisconnectedUserCannotMove(t *testing.T) {
	t.Parallel()
	n := newNodes(t)
	a, b := n.start(nil), n.start(nil)
	old := a.Dial("")
	sid, pid, offset, _ := old.JoinWithPid(`{"userId":"u1"}`)
	n.saved(pid, sid)
	old.Conn.Close()
	a.Gone(sid)
	servertest.Do(t, "DELETE", "http://"+b.Base+"/v1/users/u1/connections", "", "Authorization: Bearer "+servertest.Key)
	for _, s := range []*serviceStack{a, b} {
		c := s.Dial("")
		if got, _, _, connected := c.JoinWithPid(servertest.Resume("u1", pid, offset)); got == sid || connected.Recovered {
			t.Errorf("resumed as %s, %+v", got, connected)
		}
	}
	n.redis.Kill()
	res, text := servertest.Do(t, "DELETE", "http://"+b.Base+"/v1/users/u1/connections", "", "Authorization: Bearer "+servertest.Key)
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without Redis: %d %s", res.StatusCode, text)
	}
}

// After the API has disconnected a user, a client of that user whose connection was lost before does
// not resume at the same node: without a cluster, and while Redis is away.
func TestDisconnectedUserCannotResume(t *testing.T) {
	t.Parallel()
	n := newNodes(t)
	for name, s := range map[string]*serviceStack{"alone": newServiceStack(t, nil), "cluster": n.start(nil)} {
		old := s.Dial("")
		sid, pid, offset, _ := old.JoinWithPid(`{"userId":"u1"}`)
		old.Conn.Close()
		s.Gone(sid)
		if name == "cluster" {
			n.redis.Kill()
		}
		servertest.Do(t, "DELETE", "http://"+s.Base+"/v1/users/u1/connections", "", "Authorization: Bearer "+servertest.Key)
		c := s.Dial("")
		if got, _, _, connected := c.JoinWithPid(servertest.Resume("u1", pid, offset)); got == sid || connected.Recovered {
			t.Errorf("%s: resumed as %s, %+v", name, got, connected)
		}
	}
}

// A client of a server of Node keeps its id, and the rooms that it may join.
func TestClientOfANodeServer(t *testing.T) {
	t.Parallel()
	n := newNodes(t)
	a := n.start(func(o *socketio.Options) { o.MaxRooms = 1 })
	c := a.Dial("")
	_, _, offset, _ := c.JoinWithPid(`{"userId":"u2"}`)
	a.Publish(`{"target":{"channel":"orders"},"type":"orders"}`)
	a.Publish(`{"target":{"channel":"second"},"type":"second"}`)
	a.Publish(`{"target":{"user":"root"},"type":"secret"}`)
	const sid = "Dq4zJd3bG0wq1Z6pAAAB"
	text, err := nodewire.Session{SID: sid, PID: "pid-of-node", Rooms: []string{sid, "user:root", "orders", "second"},
		Data: nodewire.Value{JSON: json.RawMessage(`{}`)}}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	n.redis.Do(t, "SET", "sio:session:pid-of-node", text)
	c = a.Dial("")
	got, pid, _, connected := c.JoinWithPid(servertest.Resume("u1", "pid-of-node", offset))
	if got != sid || pid != "pid-of-node" || !connected.Recovered || connected.UserID != "u1" {
		t.Fatalf("resumed as %s/%s, %+v", got, pid, connected)
	}
	if got := events(c, "recovery"); !slices.Equal(got, []string{"orders", "recovery"}) {
		t.Errorf("events %q", got)
	}
	n.saved(pid, "user:u1")
}

// A tab that moves to another node is in the channels that it has joined since its request.
func TestTabMovesToAnotherNode(t *testing.T) {
	t.Parallel()
	n := newNodes(t)
	a, b := n.start(nil), n.start(nil)
	query := url.Values{"userId": {"u1"}, "sessionId": {"tab-1"}, "channels": {"news"}}
	first, lines := a.Stream(query, nil)
	hello, _ := readEvent(t, lines, "connected")
	var connected servertest.Connected
	if err := json.Unmarshal([]byte(hello), &connected); err != nil {
		t.Fatal(err)
	}
	servertest.Eventually(t, "the tab is saved", func() bool {
		return len(n.redis.Do(t, "KEYS", "roomcast:*:tab:*").([]any)) == 1
	})
	b.Publish(`{"target":{"channel":"news"},"type":"before"}`)
	_, id := readEvent(t, lines, "before")
	servertest.Do(t, "POST", "http://"+a.Base+"/sse/"+connected.ClientID+"/channels?userId=u1", `{"join":["orders"]}`,
		"Content-Type: application/json")
	b.Publish(`{"target":{"channel":"orders"},"type":"missed"}`)
	query.Del("channels")
	_, moved := b.Stream(query, http.Header{"Last-Event-Id": {id}})
	readEvent(t, moved, "connected")
	readEvent(t, moved, "missed")
	_ = first.Body.Close() // the first node notices late that the tab is gone
	a.Gone(connected.ClientID)
	a.Publish(`{"target":{"channel":"orders"},"type":"after"}`)
	readEvent(t, moved, "after")
}
