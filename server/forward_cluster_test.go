package server

import (
	"context"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/forward"
	"github.com/roomcast/roomcast/server/metrics"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// nodeCluster is three nodes behind a load balancer that sends each request to the next node.
type nodeCluster struct {
	*servertest.Stack // its base is the balancer; it has no Hub
	nodes             []*clusterNode

	mu   sync.Mutex
	list []forward.Node
}

type clusterNode struct {
	*serviceStack
	tag    string
	counts *metrics.Metrics
}

// clientAddress is the one that the balancer reports for all clients.
const clientAddress = "203.0.113.7"

// newNodeCluster starts a cluster. change changes the options of Socket.IO.
func newNodeCluster(t *testing.T, change func(*socketio.Options)) *nodeCluster {
	t.Helper()
	c := &nodeCluster{}
	var targets []*url.URL
	for _, tag := range []string{"AAAA", "BBBB", "CCCC"} {
		n := c.start(t, tag, change)
		c.nodes = append(c.nodes, n)
		targets = append(targets, &url.URL{Scheme: "http", Host: n.Base})
	}
	var next atomic.Uint64
	transport := &http.Transport{DisableKeepAlives: true}
	balancer := servertest.Serve(t, &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(targets[next.Add(1)%uint64(len(targets))])
			r.Out.Host = r.In.Host
			r.Out.Header.Set("X-Forwarded-For", clientAddress)
		},
	})
	c.Stack = &servertest.Stack{T: t, Base: balancer}
	return c
}

func (c *nodeCluster) start(t *testing.T, tag string, change func(*socketio.Options)) *clusterNode {
	t.Helper()
	o := forward.DefaultOptions()
	o.Tag, o.Secret = func() string { return tag }, forward.NewSecret()
	o.Nodes = func(context.Context) ([]forward.Node, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return append([]forward.Node(nil), c.list...), nil
	}
	f, err := forward.New(o)
	if err != nil {
		t.Fatal(err)
	}
	n := &clusterNode{tag: tag}
	n.serviceStack = newServiceStack(t, func(so *socketio.Options) {
		so.Tag, so.Foreign = f.Tag, f.Forward
		so.Hub = servertest.NewHub(t)
		n.counts = metrics.New(so.Hub)
		so.Metrics = n.counts
		if change != nil {
			change(so)
		}
	}, func(so *Options) {
		so.Forward = f
		so.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, forward.Node{Tag: tag, Address: "http://" + n.Base, Secret: o.Secret})
	return n
}

// owner returns the node of a session or stream.
func (c *nodeCluster) owner(id string) *clusterNode {
	for _, n := range c.nodes {
		if strings.HasPrefix(id, n.tag) {
			return n
		}
	}
	c.T.Fatalf("the id %q has the tag of no node", id)
	return nil
}

// sidOf returns the id in the URL of a polling session.
func sidOf(t testing.TB, p *servertest.Polling) string {
	t.Helper()
	u, err := url.Parse(p.URL)
	if err != nil || len(u.Query().Get("sid")) != 24 {
		t.Fatalf("%s: no id of 24 characters", p.URL)
	}
	return u.Query().Get("sid")
}

// tokenMode is a change of options: clients need a token.
func tokenMode(t testing.TB) func(*socketio.Options) {
	authenticator, err := auth.New(auth.Options{Mode: auth.ModeToken, Secret: auth.Secret(servertest.Secret)})
	if err != nil {
		t.Fatal(err)
	}
	return func(o *socketio.Options) { o.Auth = authenticator }
}

// refused returns how many requests a node has refused.
func (n *clusterNode) refused() (sum float64) {
	for name, value := range servertest.Scrape(n.T, n.counts.Handler()) {
		if strings.HasPrefix(name, "roomcast_refusals_total") {
			sum += value
		}
	}
	return sum
}
