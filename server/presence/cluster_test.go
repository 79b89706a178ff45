package presence

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster"
	"github.com/roomcast/roomcast/notify/cluster/redisstream"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// node is one of several Hubs that share their presence.
type node struct {
	uid      string
	client   *redisstream.Client
	presence *redisstream.Presence
	hub      *notify.Hub
	watcher  *notify.Member // of the channel presence

	mu       sync.Mutex
	told     []string // what the watcher has got
	observed []string
}

// later is the time by which the clock of the nodes is ahead.
type later struct{ atomic.Int64 }

func (l *later) now() time.Time { return time.Now().Add(time.Duration(l.Load())) }

func startNode(t *testing.T, s *redistest.Server, clock *later, i int) *node {
	t.Helper()
	n := &node{uid: fmt.Sprintf("7263%012d", i)}
	ctx, cancel := context.WithTimeout(t.Context(), servertest.Patience)
	defer cancel()
	o := redisstream.DefaultOptions()
	o.URL, o.Now = auth.Secret(s.URL()), clock.now
	var err error
	if n.client, err = redisstream.Dial(ctx, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.client.Close)
	bus, err := n.client.Join(ctx, cluster.Node{UID: n.uid})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	n.presence = bus.Presence()
	t.Cleanup(n.presence.Close)
	n.hub = servertest.HubWith(t, func(o *notify.Options) { o.Presence = n.presence })
	users := AnnounceUsers(n.hub, zap.NewNop(), func(c Change) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.observed = append(n.observed, fmt.Sprint(c.Key, " ", c.Present))
	})
	t.Cleanup(users.Stop)
	servertest.Eventually(t, "a hub", func() bool { return n.hub.Ready() == nil })
	n.watcher = servertest.Attach(t, n.hub, fmt.Sprint("watcher", i), "", presenceChannel)
	return n
}

// got returns what the watcher has got.
func (n *node) got() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	buf := make([]notify.Delivery, 64)
	for k, _ := n.watcher.Pull(buf); k > 0; k, _ = n.watcher.Pull(buf) {
		for _, d := range buf[:k] {
			var user presenceEvent
			_ = json.Unmarshal(d.Message.Data, &user)
			n.told = append(n.told, strings.TrimPrefix(d.Message.Type, "user:")+" "+user.Username)
		}
	}
	return strings.Join(n.told, ", ")
}

func (n *node) observedText() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.observed, ", ")
}

func expectAll(t *testing.T, nodes []*node, want string) {
	t.Helper()
	for _, n := range nodes {
		servertest.Eventually(t, n.uid+": "+want, func() bool { return n.got() == want })
	}
}

// A user comes online with the first connection to any node, and goes offline after the last: the
// members of each node are told once, and one node observes it.
func TestPresenceOfACluster(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	var clock later
	nodes := []*node{startNode(t, s, &clock, 1), startNode(t, s, &clock, 2), startNode(t, s, &clock, 3)}
	first := servertest.Attach(t, nodes[1].hub, "c1", "ada")
	expectAll(t, nodes, "online ada")
	second := servertest.Attach(t, nodes[2].hub, "c2", "ada")
	first.Detach()
	servertest.Attach(t, nodes[0].hub, "c3", "bob")
	expectAll(t, nodes, "online ada, online bob")
	servertest.Eventually(t, "the state of ada", func() bool {
		return !slices.ContainsFunc(nodes, func(n *node) bool { return n.hub.ConnectionsOf("ada") != 1 })
	})

	// A node that starts later tells its members only what changes.
	nodes = append(nodes, startNode(t, s, &clock, 4))
	servertest.Attach(t, nodes[3].hub, "c4", "ada").Detach()
	second.Detach()
	for i, n := range nodes {
		want := "online ada, online bob, offline ada"
		if i == 3 {
			want = "offline ada"
		}
		servertest.Eventually(t, want, func() bool { return n.got() == want })
	}
	servertest.Eventually(t, "one observer", func() bool {
		return nodes[0].observedText() == "ada true, bob true, ada false"
	})
	for _, n := range nodes[1:] {
		if text := n.observedText(); text != "" {
			t.Errorf("node %s observes %q", n.uid, text)
		}
	}
}

// Users of a node that was killed go offline, each told once, when the node is forgotten.
func TestPresenceOfAKilledNode(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	var clock later
	nodes := []*node{startNode(t, s, &clock, 1), startNode(t, s, &clock, 2), startNode(t, s, &clock, 3)}
	servertest.Attach(t, nodes[0].hub, "c1", "ada")
	expectAll(t, nodes, "online ada")
	servertest.Attach(t, nodes[0].hub, "c2", "bob")
	expectAll(t, nodes, "online ada, online bob")
	servertest.Attach(t, nodes[1].hub, "c3", "bob")
	servertest.Eventually(t, "both connections", func() bool {
		return nodes[2].hub.ConnectionsOf("bob") == 2
	})
	killed := time.Now()
	nodes[0].client.Close() // it can tell the others nothing
	servertest.Attach(t, nodes[2].hub, "c4", "cyd")
	expectAll(t, nodes[1:], "online ada, online bob, online cyd")
	if !servertest.Soaking() {
		clock.Store(int64(15 * time.Second))
		s.Do(t, "DEL", "roomcast:{socket.io}:on:"+nodes[0].uid) // as after 15 s
	}
	expectAll(t, nodes[1:], "online ada, online bob, online cyd, offline ada")
	if took := time.Since(killed); servertest.Soaking() && took > 25*time.Second {
		t.Errorf("it took %v", took)
	}
	if n := nodes[1].hub.ConnectionsOf("bob") + nodes[2].hub.ConnectionsOf("bob"); n != 2 {
		t.Errorf("bob has %d connections on two nodes", n)
	}
	if nodes[2].hub.Leads() || !nodes[1].hub.Leads() {
		t.Error("another node leads")
	}
	// What changed when no node could observe it is observed late, and before what comes later.
	want := "cyd true, ada false"
	servertest.Eventually(t, want, func() bool {
		return strings.HasSuffix(nodes[1].observedText(), want)
	})
	if text := nodes[2].observedText(); text != "" {
		t.Errorf("node %s observes %q", nodes[2].uid, text)
	}
}
