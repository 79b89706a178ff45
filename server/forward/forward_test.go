package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// cluster is a list of nodes that forward to each other.
type cluster struct {
	t  *testing.T
	mu sync.Mutex
	// list has a node for each listener. A test may add others.
	list []Node
}

// testNode is a node that answers requests for own ids, and forwards others.
type testNode struct {
	*Forwarder
	base   string
	answer atomic.Pointer[http.HandlerFunc] // for own ids
	failed chan error                       // of Forward
}

func (c *cluster) nodes(context.Context) ([]Node, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Node(nil), c.list...), nil
}

// start starts a node. change changes its options.
func (c *cluster) start(tag string, change func(*Options)) *testNode {
	c.t.Helper()
	o := DefaultOptions()
	o.Tag, o.Secret, o.Nodes = func() string { return tag }, NewSecret(), c.nodes
	if change != nil {
		change(&o)
	}
	f, err := New(o)
	if err != nil {
		c.t.Fatal(err)
	}
	n := &testNode{Forwarder: f, failed: make(chan error, 100)}
	n.handle(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s has %s %s %q from %s, %v", tag, r.Method, r.RequestURI, body,
			edge.ClientIP(r), err)
	})
	c.t.Cleanup(f.Close)
	n.base = servertest.Serve(c.t, edge.WithInfo(nil, f.Accept(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			id := r.URL.Query().Get("sid")
			if !f.IsForeign(id) {
				(*n.answer.Load())(w, r)
				return
			}
			if err := f.Forward(w, r, id); err != nil {
				n.failed <- err
				w.WriteHeader(http.StatusBadRequest)
			}
		}))))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, Node{tag, "http://" + n.base, o.Secret})
	return n
}

func (n *testNode) handle(f http.HandlerFunc) { n.answer.Store(&f) }

// url is the address of an id of another node.
func (n *testNode) url(tag string) string {
	return "http://" + n.base + "/p%20q/?sid=" + idOf(tag) + "&a;b"
}

func idOf(tag string) string { return tag + "abcdefghijklmnopqrst" }

func TestForwardPassesRequests(t *testing.T) {
	t.Parallel()
	c := &cluster{t: t}
	a, _ := c.start("aaaa", nil), c.start("bbbb", nil)
	for _, method := range []string{"GET", "POST"} {
		body := strings.Repeat("b", 10*len(method[3:]))
		res, text := servertest.Do(t, method, a.url("bbbb"), body)
		want := fmt.Sprintf("bbbb has %s /p%%20q/?sid=%s&a;b %q from 127.0.0.1, <nil>", method, idOf("bbbb"), body)
		if res.StatusCode != 200 || text != want || res.Header.Get(headerNode) != "" {
			t.Errorf("got  %d %s %v\nwant %s", res.StatusCode, text, res.Header, want)
		}
	}
	for _, c := range []struct{ method, id string }{
		{"PUT", idOf("bbbb")}, {"GET", idOf("cccc")}, {"POST", idOf("cccc")},
	} {
		res, _ := servertest.Do(t, c.method, "http://"+a.base+"/?sid="+c.id, "")
		if err := servertest.Receive(t, a.failed); res.StatusCode != 400 || !errors.Is(err, ErrUnknown) {
			t.Errorf("%v: %d, %v", c, res.StatusCode, err)
		}
	}
	for _, id := range []string{idOf("aaaa"), "", "bbbb", idOf("bbbb") + "x", idOf("bb b"), idOf("bb\u00fc")} {
		if a.IsForeign(id) {
			t.Errorf("%q may be an id of another node", id)
		}
	}
}

// TestHeadersOfTheOwnerReplace checks that no header is there twice: a browser refuses two
// Access-Control-Allow-Origin, for example.
func TestHeadersOfTheOwnerReplace(t *testing.T) {
	t.Parallel()
	c := &cluster{t: t}
	a, b := c.start("aaaa", nil), c.start("bbbb", nil)
	set := func(value string, h http.Header) {
		h.Set("Access-Control-Allow-Origin", value)
		h.Set("Vary", value)
	}
	b.handle(func(w http.ResponseWriter, r *http.Request) {
		set("owner"+r.Header.Get("X-Forwarded-For")+r.Header.Get(headerForward), w.Header())
	})
	outer := servertest.Serve(t, edge.WithInfo(nil, http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			set("first", w.Header())
			if err := a.Forward(w, r, r.URL.Query().Get("sid")); err != nil {
				t.Error(err)
			}
		})))
	res, _ := servertest.Do(t, "GET", "http://"+outer+"/?sid="+idOf("bbbb"), "",
		"X-Forwarded-For: 192.0.2.1", "X-Request-ID: of-the-client")
	servertest.ExpectHeaders(t, res, map[string]string{
		"Access-Control-Allow-Origin": "owner", "Vary": "owner", "X-Request-ID": "of-the-client",
	})
}

// TestForgedHeaders sends requests that only pretend to be from a node.
func TestForgedHeaders(t *testing.T) {
	t.Parallel()
	c := &cluster{t: t}
	a, b := c.start("aaaa", nil), c.start("bbbb", nil)
	uri := "/?sid=" + idOf("bbbb")
	now := stamp{sender: "ABCDEFGHIJKLMNOP", count: 1, at: time.Now()}
	old := now
	old.at = now.at.Add(-time.Minute)
	good := now.signed(b.o.Secret, "GET", uri)
	for name, headers := range map[string][]string{
		"empty": {""}, "text": {"yes"}, "secret of another node": {now.signed(a.o.Secret, "GET", uri)},
		"other method": {now.signed(b.o.Secret, "POST", uri)},
		"other query":  {now.signed(b.o.Secret, "GET", uri+"&x")},
		"other client": {strings.Replace(good, " - ", " 192.0.2.1 ", 1)},
		"old":          {old.signed(b.o.Secret, "GET", uri)}, "two": {good, good},
	} {
		var lines []string
		for _, h := range headers {
			lines = append(lines, headerForward+": "+h)
		}
		res, text := servertest.Do(t, "GET", "http://"+b.base+uri, "", lines...)
		if res.StatusCode != 403 || res.Header.Get(headerNode) != "" || !strings.Contains(text, `"forbidden"`) {
			t.Errorf("%s: %d %s", name, res.StatusCode, text)
		}
	}
	for i, want := range []int{200, 403, 403} { // a replay
		res, _ := servertest.Do(t, "GET", "http://"+b.base+uri, "", headerForward+": "+good)
		if res.StatusCode != want {
			t.Errorf("request %d: %d, want %d", i, res.StatusCode, want)
		}
	}
}

// TestOneHop gives nodes wrong lists, so that a request would go on for ever.
func TestOneHop(t *testing.T) {
	t.Parallel()
	c := &cluster{t: t}
	a, b := c.start("aaaa", nil), c.start("bbbb", nil)
	c.mu.Lock()
	c.list = []Node{{"loop", "http://" + b.base, b.o.Secret}, {"self", "http://" + a.base, a.o.Secret}}
	c.mu.Unlock()
	for tag, last := range map[string]*testNode{"loop": b, "self": a} {
		res, _ := servertest.Do(t, "GET", a.url(tag), "")
		if res.StatusCode != 400 {
			t.Errorf("%s: %d", tag, res.StatusCode)
		}
		if err := servertest.Receive(t, last.failed); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: the last node says %v", tag, err)
		}
	}
	if len(a.failed)+len(b.failed) != 0 {
		t.Error("a request has gone further than one hop")
	}
}

// TestNodeGone forwards to addresses at which the node does not answer.
func TestNodeGone(t *testing.T) {
	t.Parallel()
	c := &cluster{t: t}
	a, b := c.start("aaaa", func(o *Options) { o.Wait = 300 * time.Millisecond }), c.start("bbbb", nil)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	stranger := servertest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "from=stranger")
		_, _ = w.Write([]byte("a page of another program"))
	}))
	cut := servertest.Serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	}))
	for tag, node := range map[string]Node{
		"clos": {Address: closed.Addr().String()}, "sile": {Address: silent.Addr().String()},
		"stra": {Address: stranger}, "cut_": {Address: cut},
		"rest": {Address: b.base}, // a former process had this tag
	} {
		c.mu.Lock()
		c.list = append(c.list, Node{tag, "http://" + node.Address, NewSecret()})
		c.mu.Unlock()
		for _, body := range []string{"", "4x"} {
			method := map[bool]string{true: "GET", false: "POST"}[body == ""]
			res, text := servertest.Do(t, method, a.url(tag), body)
			err := servertest.Receive(t, a.failed)
			if res.StatusCode != 400 || text != "" || res.Header.Get("Set-Cookie") != "" || !errors.Is(err, ErrUnknown) {
				t.Errorf("%s %s: %d %q, %v", method, tag, res.StatusCode, text, err)
			}
		}
	}
}

// TestPostIsSentOnce ends connections after the request: the transport of net/http would repeat a
// GET.
func TestPostIsSentOnce(t *testing.T) {
	t.Parallel()
	c := &cluster{t: t}
	a, b := c.start("aaaa", nil), c.start("bbbb", nil)
	var requests atomic.Int64
	b.handle(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
	})
	for _, method := range []string{"POST", "POST", "GET"} { // the second has a connection of the first
		before := requests.Load()
		body := map[string]string{"POST": "4x"}[method]
		servertest.Do(t, method, a.url("bbbb"), body)
		if n := requests.Load() - before; n != 1 {
			t.Errorf("%s: the node has got %d requests", method, n)
		}
	}
}

// TestMaxForwards fills the node with a poll.
func TestMaxForwards(t *testing.T) {
	t.Parallel()
	c := &cluster{t: t}
	a, b := c.start("aaaa", func(o *Options) { o.Max = 1 }), c.start("bbbb", nil)
	asked, release := make(chan struct{}, 1), make(chan struct{})
	b.handle(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-release
	})
	var poll sync.WaitGroup
	poll.Go(func() { servertest.Do(t, "GET", a.url("bbbb"), "") })
	servertest.Receive(t, asked)
	servertest.Do(t, "GET", a.url("bbbb"), "")
	var full edge.Overload
	if err := servertest.Receive(t, a.failed); !errors.As(err, &full) ||
		full.HTTPStatus() != 503 || full.RetryAfter() <= 0 {
		t.Errorf("above the maximum: %v", err)
	}
	close(release)
	poll.Wait()
	servertest.Eventually(t, "the place is free again", func() bool {
		res, _ := servertest.Do(t, "GET", a.url("bbbb"), "")
		return res.StatusCode == 200 && len(asked) == 1
	})
}

// TestClientGone checks that the owner learns that the client of a poll has gone.
func TestClientGone(t *testing.T) {
	t.Parallel()
	c := &cluster{t: t}
	a, b := c.start("aaaa", nil), c.start("bbbb", nil)
	began, ended := make(chan struct{}), make(chan struct{})
	b.handle(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		close(ended)
	})
	ctx, leave := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, "GET", a.url("bbbb"), nil)
	go func() {
		<-began
		leave()
	}()
	if res, err := servertest.HTTPClient().Do(r); err == nil {
		res.Body.Close()
		t.Error("the poll was answered")
	}
	servertest.Receive(t, ended)
}
