package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster"
	"github.com/roomcast/roomcast/notify/cluster/redisstream"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// testNode is an API of a cluster.
type testNode struct {
	testServer
	uid    string
	client *redisstream.Client
}

// join adds a node to the cluster of a Redis. The test ends it.
func join(t *testing.T, s *redistest.Server, n int) (*redisstream.Client, *redisstream.Bus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), servertest.Patience)
	defer cancel()
	o := redisstream.DefaultOptions()
	o.URL = auth.Secret(s.URL())
	client, err := redisstream.Dial(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	uid := fmt.Sprintf("7263%012d", n)
	bus, err := client.Join(ctx, cluster.Node{UID: uid, Addr: fmt.Sprint("10.0.0.", n, ":3000")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	return client, bus
}

// startNodes starts the APIs of nodes that share a Redis.
func startNodes(t *testing.T, n int) (*redistest.Server, []*testNode) {
	t.Helper()
	s := redistest.Start(t, redistest.Options{})
	var nodes []*testNode
	for i := range n {
		client, bus := join(t, s, i+1)
		hub := servertest.NewHub(t)
		options := testOptions(hub, servertest.Key)
		options.Bus = bus
		base := "http://" + servertest.Serve(t, edge.WithInfo(nil, New(options)))
		nodes = append(nodes, &testNode{testServer{t, base, hub}, bus.Self().UID, client})
	}
	return s, nodes
}

// eventually sends a request until the body is the expected one: a node under load can be silent.
func (n *testNode) eventually(method, path, want string) {
	n.t.Helper()
	got := ""
	defer func() {
		if n.t.Failed() {
			n.t.Logf("%s %s: %s", method, path, got)
		}
	}()
	servertest.Eventually(n.t, method+" "+path+" "+want, func() bool {
		_, got = n.ask(method, path, "")
		return got == want
	})
}

// Lists have the connections of all nodes, in pages.
func TestListsOfACluster(t *testing.T) {
	t.Parallel()
	_, nodes := startNodes(t, 3)
	for i, n := range nodes {
		for j := range 4 {
			servertest.Attach(t, n.hub, fmt.Sprint("c", j*3+i), fmt.Sprint("u", j), "orders",
				fmt.Sprint("only", i))
		}
		servertest.Attach(t, n.hub, fmt.Sprint("x", i), "")
	}
	walk := func(n *testNode, path, list, field string) string {
		t.Helper()
		var all []string
		for next := ""; ; {
			_, text := n.ask("GET", path+"&cursor="+next, "")
			if next == "" {
				_, text = n.ask("GET", path, "")
			}
			if strings.Contains(text, "incomplete") { // under load: again
				continue
			}
			names, after := ids(t, text, list, field)
			all = append(all, names...)
			if next = after; next == "" {
				return strings.Join(all, " ")
			}
		}
	}
	for _, n := range nodes {
		for path, want := range map[string]string{
			"?limit=2":               "c0 c1 c10 c11 c2 c3 c4 c5 c6 c7 c8 c9 x0 x1 x2",
			"?limit=1000":            "c0 c1 c10 c11 c2 c3 c4 c5 c6 c7 c8 c9 x0 x1 x2",
			"?limit=3&user=u1":       "c3 c4 c5",
			"?limit=1&channel=only1": "c1 c10 c4 c7",
		} {
			if got := walk(n, "/v1/connections"+path, "connections", "clientId"); got != want {
				t.Errorf("%s: %s, want %s", path, got, want)
			}
		}
		if got := walk(n, "/v1/users?limit=3", "users", "userId"); got != "u0 u1 u2 u3" {
			t.Errorf("users %s", got)
		}
		if got := walk(n, "/v1/channels?limit=3", "channels", "channel"); got != "only0 only1 only2 orders" {
			t.Errorf("channels %s", got)
		}
	}
	nodes[1].eventually("GET", "/v1/users?limit=1",
		`{"users":[{"userId":"u0","username":"u0","connections":3}],"next":"dTA"}`)
	nodes[1].eventually("GET", "/v1/channels?limit=1&cursor="+cursor("only2"),
		`{"channels":[{"channel":"orders","connections":12,"users":12}]}`)
	servertest.Eventually(t, "a user of all nodes", func() bool {
		_, text := nodes[2].ask("GET", "/v1/users/u3", "")
		names, _ := ids(t, text, "connections", "clientId")
		return strings.Join(names, " ") == "c10 c11 c9" && strings.Contains(text, `"online":true`)
	})
}

// A page whose answer is too large for the bus is cut, and the next one has the rest.
func TestLargeListsOfACluster(t *testing.T) {
	t.Parallel()
	_, nodes := startNodes(t, 2)
	var want []string
	for i := range 200 {
		var channels []string
		for j := range 30 {
			channels = append(channels, fmt.Sprintf("%0200d", j))
		}
		id := fmt.Sprintf("c%03d", i)
		servertest.Attach(t, nodes[i%2].hub, id, "u", channels...)
		want = append(want, id)
	}
	servertest.Eventually(t, "all connections", func() bool {
		_, text := nodes[0].ask("GET", "/v1/users/u", "")
		names, _ := ids(t, text, "connections", "clientId")
		return slices.Equal(names, want)
	})
}

// Changes reach connections on other nodes.
func TestChangesOfACluster(t *testing.T) {
	t.Parallel()
	_, nodes := startNodes(t, 3)
	ended := make(chan string, 8)
	attach := func(n *testNode, id, user, namespace string) *notify.Member {
		m, err := n.hub.Attach(notify.Attachment{ClientID: id, UserID: user, Namespace: namespace,
			Transport: "sse", Disconnect: func(string) { ended <- id }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Detach)
		return m
	}
	a, b := attach(nodes[1], "a", "u", "/"), attach(nodes[2], "b", "u", "/")
	attach(nodes[2], "n", "u", "/n")
	n := nodes[0]
	servertest.Eventually(t, "the connection", func() bool {
		code, text := n.ask("GET", "/v1/connections/a", "")
		return code == 200 && strings.HasPrefix(text, `{"clientId":"a","transport":"sse","userId":"u"`)
	})
	n.eventually("PUT", "/v1/connections/a/channels/orders", `{"joined":1}`)
	if !a.In("orders") || b.In("orders") {
		t.Error("the wrong member joined")
	}
	n.eventually("PUT", "/v1/users/u/channels/news", `{"joined":2}`)
	if !a.In("news") || !b.In("news") {
		t.Error("the connections of the user did not join")
	}
	n.eventually("DELETE", "/v1/connections/b/channels/orders", `{"left":0}`)
	code, text := n.ask("DELETE", "/v1/users/u/channels/orders", "")
	if a.In("orders") || code != 200 || strings.Contains(text, "incomplete") && text != `{"left":1}` {
		t.Errorf("%d %s", code, text)
	}
	servertest.Eventually(t, "no such connection", func() bool {
		code, _ := n.ask("GET", "/v1/connections/nobody", "")
		return code == 404
	})
	n.eventually("DELETE", "/v1/connections/a", `{"disconnected":1}`)
	for id := servertest.Receive(t, ended); id != "a"; {
		t.Fatal(id)
	}
	n.eventually("DELETE", "/v1/users/u/connections", `{"disconnected":3}`) // a has not detached
	closed := map[string]bool{}
	for len(closed) < 3 {
		closed[servertest.Receive(t, ended)] = true
	}
}

// Nodes that do not answer are named, and so is an outage of Redis.
func TestSilentNodes(t *testing.T) {
	t.Parallel()
	s, nodes := startNodes(t, 3)
	servertest.Attach(t, nodes[0].hub, "a", "u")
	servertest.Attach(t, nodes[1].hub, "b", "u")
	nodes[2].client.Close() // without a word
	n := nodes[0]
	silent := fmt.Sprintf(`"incomplete":[%q]`, nodes[2].uid)
	for path, list := range map[string]string{"/v1/connections": "connections",
		"/v1/users/u": "connections"} {
		servertest.Eventually(t, path, func() bool {
			_, text := n.ask("GET", path, "")
			names, _ := ids(t, text, list, "clientId")
			return strings.Join(names, " ") == "a b" && strings.Contains(text, silent)
		})
	}
	for _, path := range []string{"/v1/users", "/v1/channels", "/v1/stats?cluster=1"} {
		servertest.Eventually(t, path, func() bool {
			_, text := n.ask("GET", path, "")
			return strings.Contains(text, silent)
		})
	}
	n.eventually("PUT", "/v1/users/u/channels/x", `{"joined":2,`+silent+`}`)
	n.eventually("DELETE", "/v1/users/u/channels/y", `{"left":0,`+silent+`}`)
	for _, path := range []string{"/v1/connections/nobody", "/v1/connections/nobody/channels/c"} {
		if code, text := n.ask("DELETE", path, ""); code != 503 ||
			!strings.Contains(text, "did not answer") {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	n.expect("DELETE", "/v1/connections/a", 200, `{"disconnected":1}`) // nobody is asked

	s.Kill()
	servertest.Eventually(t, "an outage", func() bool {
		_, text := n.ask("GET", "/v1/connections?limit=5", "")
		names, _ := ids(t, text, "connections", "clientId")
		return strings.Join(names, " ") == "a" && strings.HasSuffix(text, `"incomplete":["*"]}`)
	})
}

// A user whose node does not answer is online, as the nodes know of each other.
func TestUserOfSilentNode(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	share := func(b *redisstream.Bus) *redisstream.Presence {
		p := b.Presence()
		t.Cleanup(p.Close)
		servertest.Receive(t, p.Ready())
		return p
	}
	_, bus := join(t, s, 1)
	other, silent := join(t, s, 2)
	known, presence := share(bus), share(silent)
	o := notify.DefaultOptions()
	o.Presence = known
	hub := notify.New(notify.NewMemoryLog(), o)
	t.Cleanup(hub.Close)
	options := testOptions(hub, servertest.Key)
	options.Bus = bus
	n := testServer{t, "http://" + servertest.Serve(t, edge.WithInfo(nil, New(options))), hub}

	presence.Set("u:u", 1, "Ann")
	servertest.Eventually(t, "the user", func() bool { return hub.UserOnline("u") })
	other.Close() // without a word
	want := fmt.Sprintf(`{"userId":"u","online":true,"connections":[],"incomplete":[%q]}`, silent.Self().UID)
	servertest.Eventually(t, want, func() bool {
		_, text := n.ask("GET", "/v1/users/u", "")
		return text == want
	})
}

func TestStatsOfACluster(t *testing.T) {
	t.Parallel()
	_, nodes := startNodes(t, 2)
	servertest.Attach(t, nodes[0].hub, "a", "u", "c")
	servertest.Attach(t, nodes[1].hub, "b", "u", "c")
	servertest.Attach(t, nodes[1].hub, "c", "v")
	var got clusterStatsView
	servertest.Eventually(t, "all nodes", func() bool {
		code, text := nodes[1].ask("GET", "/v1/stats?cluster=1", "")
		got = clusterStatsView{}
		return code == 200 && json.Unmarshal([]byte(text), &got) == nil && got.Incomplete == nil
	})
	if got.Total != 3 || got.ActiveUsers != 3 || got.Channels != 2 || got.AuthMode != auth.ModeOpen ||
		!maps.Equal(got.ByTransport, map[string]int{"sse": 3}) {
		t.Errorf("sums %+v", got)
	}
	for i, n := range got.Nodes {
		if n.UID != nodes[i].uid || n.Total != i+1 || n.Addr != fmt.Sprint("10.0.0.", i+1, ":3000") {
			t.Errorf("node %d: %+v", i, n)
		}
	}
	// A node without a cluster has itself.
	alone := newTestServer(t)
	_, text := alone.ask("GET", "/v1/stats?cluster=1", "")
	if !strings.Contains(text, `"nodes":[{"uid":"","tag":"","total":0,`) {
		t.Error(text)
	}
	alone.refused("GET", "/v1/stats?cluster=yes", "", "cluster", `cluster: got "yes", expected 1`)
}
