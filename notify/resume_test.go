package notify_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// nodes are Hubs over one stream that share their sessions.
type nodes struct {
	t      *testing.T
	stream *notify.Stream
	store  *servertest.SharedSessions
	bus    *servertest.Bus
	hubs   map[string]*notify.Hub
	logs   map[string]*notify.StreamLog
}

func newNodes(t *testing.T, names ...string) *nodes {
	n := &nodes{t, notify.NewStream(), servertest.NewSharedSessions(), servertest.NewBus(),
		map[string]*notify.Hub{}, map[string]*notify.StreamLog{}}
	for _, name := range names {
		o := notify.DefaultOptions()
		o.Cluster = &notify.Cluster{Node: name, Sessions: n.store, Peers: n.bus.Node(name)}
		n.logs[name] = n.stream.Open()
		n.hubs[name] = notify.New(n.logs[name], o)
	}
	return n
}

func (n *nodes) close() {
	for _, h := range n.hubs {
		h.Close()
	}
}

const (
	pid = "pid:p"
	tab = "tab:u\x00t"
)

// client is a connection to a node.
type client struct {
	*notify.Member
	h       *notify.Hub
	dropped atomic.Bool
}

// connect attaches the first connection of the client "sid" of the user u.
func (n *nodes) connect(node, clientID string, a notify.Attachment) *client {
	n.t.Helper()
	c := &client{h: n.hubs[node]}
	a.ClientID, a.UserID, a.Wake = clientID, cmp.Or(a.UserID, "u"), func(int) {}
	a.Drop = func(string) { c.dropped.Store(true) }
	var err error
	if c.Member, err = c.h.Attach(a); err != nil {
		n.t.Fatal(err)
	}
	return c
}

// resume comes back as the transports do. clientID is for a connection that does not recover.
func (n *nodes) resume(node, clientID string, cursor notify.ID, keys ...string) *client {
	n.t.Helper()
	h := n.hubs[node]
	a := notify.Attachment{Resume: &notify.Cursor{ID: cursor}, Sessions: []string{"pid:" + clientID}}
	for i, key := range keys {
		s, ok := h.ResumeSession(n.t.Context(), key, func(s notify.Session) bool {
			return s.Foreign || s.UserID == "u"
		})
		if !ok {
			continue
		}
		a.Rooms, a.Granted = append(a.Rooms, s.Channels...), append(a.Granted, s.Granted...)
		if i == 0 {
			a.Former = &notify.Former{ClientID: s.ClientID, Sessions: keys}
		}
	}
	h.Wait(n.t.Context(), a.Resume)
	return n.connect(node, clientID, a)
}

// expect checks where a client is.
func (n *nodes) expect(c *client, recovered bool, channels string) {
	n.t.Helper()
	var in []string
	for _, room := range c.Rooms() {
		if room != "*" && !strings.Contains(room, ":") {
			in = append(in, room)
		}
	}
	slices.Sort(in)
	if got := strings.Join(in, " "); c.Recovered() != recovered || got != channels {
		n.t.Errorf("recovered %v in %q, want %v in %q", c.Recovered(), got, recovered, channels)
	}
}

// expectOwner checks which node has a session, in the store and in the Hubs.
func (n *nodes) expectOwner(key, node string, term uint64) {
	n.t.Helper()
	owner := n.store.All()[key].Owner
	if owner == nil || owner.Node != node || owner.Term != term {
		n.t.Errorf("the owner of %q is %+v, want %s in term %d", key, owner, node, term)
	}
	for name, h := range n.hubs {
		if _, has := h.Session(key); has != (name == node) {
			n.t.Errorf("node %s has the session %q: %v", name, key, has)
		}
	}
}

// saved lets the Hubs save.
func saved() { time.Sleep(200 * time.Millisecond); synctest.Wait() }

func (n *nodes) publish(node, text string, rooms ...string) {
	n.t.Helper()
	m := &notify.Message{Rooms: rooms, Type: "t", Data: fmt.Appendf(nil, "%q", text)}
	if _, err := n.hubs[node].Deliver(n.t.Context(), m); err != nil {
		n.t.Fatal(err)
	}
}

func (n *nodes) void(node, user string) {
	n.t.Helper()
	if err := n.hubs[node].VoidUser(n.t.Context(), user); err != nil {
		n.t.Fatal(err)
	}
}

// texts returns what the client gets.
func texts(c *client) string {
	var got []string
	for buf := make([]notify.Delivery, 16); ; {
		k, _ := c.Pull(buf)
		for _, d := range buf[:k] {
			switch {
			case d.Message != nil:
				got = append(got, strings.Trim(string(d.Message.Data), `"`))
			case d.Gap != nil:
				got = append(got, "gap")
			}
		}
		if k == 0 {
			return strings.Join(got, " ")
		}
	}
}

func bubble(t *testing.T, test func(t *testing.T)) {
	t.Parallel()
	synctest.Test(t, test)
}

// A client whose connection a node has not missed yet goes on at another one, with everything that
// the first node knows, also what it has not saved.
func TestSessionMoves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNodes(t, "a", "b", "c")
		defer n.close()
		old := n.connect("a", "sid", notify.Attachment{Rooms: []string{"x"}, Sessions: []string{pid, tab}})
		n.publish("a", "1", "x")
		cursor := n.hubs["a"].Head()
		saved()
		n.hubs["a"].JoinChannels(old.Member, []string{"y"}, nil, notify.NoLimit)
		old.Leave("x")
		old.Join("granted", "client:other")
		if err := n.hubs["a"].KeepData(pid, map[string]int{"n": 1}); err != nil {
			t.Fatal(err)
		}
		n.publish("c", "2", "y")
		n.publish("c", "3", "client:sid")
		c := n.resume("b", "new", cursor, pid, tab)
		n.expect(c, true, "granted y")
		if c.ClientID() != "sid" || !c.In("client:other") || !old.dropped.Load() {
			t.Errorf("client %q, in another's room %v, old one dropped %v", c.ClientID(),
				c.In("client:other"), old.dropped.Load())
		}
		if s, _ := n.hubs["b"].Session(pid); fmt.Sprintf("%s", s.Data) != `{"n":1}` {
			t.Errorf("data %s", s.Data)
		}
		if got := texts(c); got != "2 3" {
			t.Errorf("got %q", got)
		}
		old.Detach() // late, and changes nothing
		saved()
		n.expectOwner(pid, "b", 1)
		n.expectOwner(tab, "b", 1)
		c.Detach()
		saved()
		back := n.resume("a", "new", n.hubs["a"].Head(), pid, tab)
		n.expect(back, true, "granted y")
		saved()
		n.expectOwner(pid, "a", 2)
	})
}

// A node that is killed has saved everything that is older than 100 ms. The session is there for as
// long as the client would have had time at the node.
func TestSessionOutlivesNode(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNodes(t, "a", "b")
		defer n.close()
		n.connect("a", "sid", notify.Attachment{Rooms: []string{"x"}, Sessions: []string{pid}})
		time.Sleep(time.Hour)
		cursor := n.hubs["a"].Head()
		n.bus.Remove("a")
		n.hubs["a"].Close() // which saves nothing new
		n.publish("b", "1", "x")
		time.Sleep(190 * time.Second) // 300 s after the last refresh at most
		start := time.Now()
		c := n.resume("b", "new", cursor, pid)
		n.expect(c, true, "x")
		if got := texts(c); got != "1" || c.ClientID() != "sid" || time.Since(start) > 0 {
			t.Errorf("got %q as %q after %v", got, c.ClientID(), time.Since(start))
		}
	})
}

// A node that does not answer costs half a second, and gives the session up when it looks again.
func TestSilentNodeGivesUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNodes(t, "a", "b")
		defer n.close()
		old := n.connect("a", "sid", notify.Attachment{Rooms: []string{"x"}, Sessions: []string{pid, tab}})
		saved()
		n.bus.Cut(true)
		start := time.Now()
		c := n.resume("b", "new", n.hubs["b"].Head(), pid)
		n.expect(c, true, "x")
		if waited := time.Since(start); waited != notify.DefaultOptions().ResumeTimeout {
			t.Errorf("waited %v", waited)
		}
		if old.dropped.Load() {
			t.Error("it was dropped without being told")
		}
		old.Join("late") // overwrites what b has saved
		saved()
		time.Sleep(200 * time.Second) // two looks of each
		saved()
		n.expectOwner(pid, "b", 1)
		if !old.dropped.Load() || c.dropped.Load() {
			t.Errorf("dropped: old one %v, new one %v", old.dropped.Load(), c.dropped.Load())
		}
		if s := n.store.All()[pid]; !slices.Equal(s.Channels, []string{"x"}) {
			t.Errorf("the store has %q", s.Channels)
		}
		n.expectOwner(tab, "a", 0) // nobody has taken it
	})
}

// All nodes are told of a new owner, also after one that does not answer has used up the time.
func TestSilentNodeDelaysNoNews(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNodes(t, "a", "b")
		defer n.close()
		n.bus.Node("silent")
		old := n.connect("a", "sid", notify.Attachment{Sessions: []string{pid}})
		saved()
		wrong := n.store.All()[pid]
		wrong.Owner = &notify.Owner{Node: "silent"}
		if err := n.store.Save(t.Context(), []notify.Session{wrong}, nil, time.Minute); err != nil {
			t.Fatal(err)
		}
		c := n.resume("b", "new", n.hubs["b"].Head(), pid)
		if !c.Recovered() || !old.dropped.Load() || c.dropped.Load() {
			t.Errorf("recovered %v; dropped: old one %v, new one %v", c.Recovered(),
				old.dropped.Load(), c.dropped.Load())
		}
	})
}

// Of several connections that take a session at the same time, the last one has it.
func TestSessionHasOneOwner(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "c", "d"}
	for range 20 {
		n := newNodes(t, names...)
		first := n.connect("a", "sid", notify.Attachment{Rooms: []string{"x"}, Sessions: []string{pid}})
		servertest.Eventually(t, "the session is saved", func() bool { return len(n.store.All()) == 1 })
		cursor := n.hubs["a"].Head()
		clients := make([]*client, len(names)-1)
		var running sync.WaitGroup
		for i, name := range names[1:] {
			running.Go(func() { clients[i] = n.resume(name, "new-"+name, cursor, pid) })
		}
		running.Wait()
		if !first.dropped.Load() {
			t.Error("the first connection stays")
		}
		var owners []string
		for i, name := range names[1:] {
			if c := clients[i]; c.ClientID() == "sid" && !c.dropped.Load() {
				owners = append(owners, name)
			}
		}
		if len(owners) != 1 {
			t.Fatalf("owners %q", owners)
		}
		n.close()
		owner := n.store.All()[pid].Owner
		if owner.Node != owners[0] {
			t.Errorf("the store says %+v, want %s", owner, owners[0])
		}
		n.expectOwner(pid, owners[0], owner.Term)
	}
}

// A node that saves a session at the moment when another one takes it hides the new owner. All nodes
// are told of the next owner, so the later one of the two remains.
func TestStoreNamesFormerOwner(t *testing.T) {
	t.Parallel()
	for newcomer, wins := range map[string]bool{"c": true, "aa": false} {
		t.Run(newcomer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNodes(t, "a", "b", newcomer)
				defer n.close()
				n.connect("a", "sid", notify.Attachment{Sessions: []string{pid}})
				saved()
				stale := n.store.All()[pid]
				cursor := n.hubs["a"].Head()
				taken := n.resume("b", "new", cursor, pid)
				saved()
				if err := n.store.Save(t.Context(), []notify.Session{stale}, nil, time.Minute); err != nil {
					t.Fatal(err)
				}
				c := n.resume(newcomer, "other", cursor, pid)
				if c.Recovered() != wins || taken.dropped.Load() != wins {
					t.Errorf("recovered %v, the other dropped %v", c.Recovered(), taken.dropped.Load())
				}
				time.Sleep(100 * time.Second)
				saved()
				n.expectOwner(pid, map[bool]string{true: newcomer, false: "b"}[wins], 1)
			})
		})
	}
}

// Without the store a client resumes by its cursor only, except at the node that has its session.
func TestStoreAway(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNodes(t, "a", "b")
		defer n.close()
		n.connect("a", "sid", notify.Attachment{Rooms: []string{"x"}, Sessions: []string{pid}}).Detach()
		saved()
		cursor := n.hubs["a"].Head()
		n.publish("a", "1", "*")
		n.store.SetDown(true)
		c := n.resume("b", "new", cursor, pid)
		n.expect(c, false, "")
		if got := texts(c); got != "1" {
			t.Errorf("got %q", got)
		}
		c.Detach()
		same := n.resume("a", "other", cursor, pid)
		n.expect(same, true, "x")
		same.Join("y")
		time.Sleep(time.Minute)
		n.store.SetDown(false)
		saved()
		if s := n.store.All()[pid]; !slices.Contains(s.Channels, "y") {
			t.Errorf("the store has %+v", s)
		}
	})
}

// When the store has lost everything, the sessions of members are soon there again.
func TestStoreForgets(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNodes(t, "a", "b")
		defer n.close()
		n.connect("a", "sid", notify.Attachment{Rooms: []string{"x"}, Sessions: []string{pid}})
		gone := n.connect("a", "gone", notify.Attachment{Sessions: []string{"pid:gone"}})
		gone.Detach()
		saved()
		if err := n.store.Save(t.Context(), nil, []string{pid, "pid:gone"}, time.Minute); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Second)
		saved()
		n.expectOwner(pid, "a", 0)
		c := n.resume("a", "new", n.hubs["a"].Head(), "pid:gone") // as a server of Node takes it
		n.expect(c, false, "")
	})
}

// A tab belongs to the node of its last connection. The one before stays, and changes nothing.
func TestTabMoves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNodes(t, "a", "b")
		defer n.close()
		old := n.connect("a", "first", notify.Attachment{Rooms: []string{"x"}, Sessions: []string{tab}})
		saved()
		h := n.hubs["b"]
		if _, ok := h.ResumeSession(t.Context(), tab, func(notify.Session) bool { return false }); ok {
			t.Error("a session that nobody accepts")
		}
		n.expectOwner(tab, "a", 0)
		s, ok := h.ResumeSession(t.Context(), tab, func(notify.Session) bool { return true })
		if !ok || !slices.Equal(s.Channels, []string{"x"}) {
			t.Fatalf("session %+v", s)
		}
		n.connect("b", "second", notify.Attachment{Rooms: []string{"x", "y"}, Sessions: []string{tab}})
		saved()
		old.Join("late")
		old.Detach()
		saved()
		n.expectOwner(tab, "b", 1)
		if got := n.store.All()[tab].Channels; old.dropped.Load() || len(got) != 2 {
			t.Errorf("dropped %v, the tab is in %q", old.dropped.Load(), got)
		}
	})
}

// After VoidUser the sessions that began before are refused, wherever the client comes back, and later
// ones are not. Nothing is published, so all positions are the same.
func TestVoidUser(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNodes(t, "a", "b")
		defer n.close()
		n.connect("a", "sid", notify.Attachment{Rooms: []string{"x"}, Sessions: []string{pid}}).Detach()
		n.connect("a", "live", notify.Attachment{Rooms: []string{"x"}, Sessions: []string{"pid:live"}})
		saved()
		n.void("b", "u")
		for _, node := range []string{"a", "b"} {
			for _, key := range []string{pid, "pid:live"} {
				n.expect(n.resume(node, "new-"+node+key, n.hubs[node].Head(), key), false, "")
			}
		}
		later := n.connect("a", "later", notify.Attachment{Sessions: []string{"pid:later"}})
		later.Join("granted")
		saved()
		later.Detach()
		saved()
		for _, node := range []string{"a", "b"} {
			c := n.resume(node, "new", n.hubs["b"].Head(), "pid:later")
			n.expect(c, true, "granted")
			c.Detach()
		}
		saved()
		n.void("b", "u") // the session is older, although it was resumed and saved again meanwhile
		n.expect(n.resume("a", "newer", n.hubs["b"].Head(), "pid:later"), false, "")
	})
}

// The node that is asked to refuse sessions may be behind the one where they began.
func TestVoidUserOfALaggingNode(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNodes(t, "a", "b")
		defer n.close()
		n.logs["b"].Pause()
		n.publish("a", "1", "*")
		n.connect("a", "sid", notify.Attachment{Rooms: []string{"x"}, Sessions: []string{pid}}).Detach()
		saved()
		n.void("b", "u")
		n.logs["b"].Resume()
		for _, node := range []string{"a", "b"} {
			n.expect(n.resume(node, "new-"+node, n.hubs["a"].Head(), pid), false, "")
		}
	})
}

// A session of a server of another kind is one for the user who comes with it, and only for that one.
func TestForeignSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNodes(t, "a", "b")
		defer n.close()
		foreign := notify.Session{Key: pid, ClientID: "sid", Foreign: true, Channels: []string{"x"},
			Data: json.RawMessage(`{}`)}
		if err := n.store.Save(t.Context(), []notify.Session{foreign}, nil, time.Minute); err != nil {
			t.Fatal(err)
		}
		c := n.resume("a", "new", n.hubs["a"].Head(), pid)
		n.expect(c, true, "x")
		saved()
		n.expectOwner(pid, "a", 1)
		if s := n.store.All()[pid]; s.UserID != "u" || s.Foreign {
			t.Errorf("session %+v", s)
		}
		// The client goes to the other server, which takes the session and stores it when it leaves.
		if err := n.store.Save(t.Context(), []notify.Session{foreign}, nil, time.Hour); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Second)
		synctest.Wait()
		if !c.dropped.Load() {
			t.Error("the connection of before stays")
		}
	})
}

// Data without JSON stays on the node, and the caller learns it.
func TestDataWithoutJSON(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNodes(t, "a", "b")
		defer n.close()
		n.connect("a", "sid", notify.Attachment{Sessions: []string{pid}})
		if err := n.hubs["a"].KeepData(pid, make(chan int)); err == nil {
			t.Error("no error")
		}
		saved()
		n.expect(n.resume("b", "new", n.hubs["b"].Head(), pid), true, "")
		if s, _ := n.hubs["b"].Session(pid); s.Data != nil {
			t.Errorf("data %v", s.Data)
		}
	})
}
