package forward

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// lists is a store of the list of nodes.
type lists struct {
	mu    sync.Mutex
	nodes []Node
	err   error
	reads int
	takes time.Duration
}

func (l *lists) read(ctx context.Context) ([]Node, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	select {
	case <-time.After(l.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return l.nodes, l.err
}

func (l *lists) set(takes time.Duration, err error, tags ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nodes, l.err, l.takes = nil, err, takes
	for _, tag := range tags {
		l.nodes = append(l.nodes,
			Node{Tag: tag, Address: "http://" + tag + ".example:3000", Secret: testSecret})
	}
}

func newNodes(t *testing.T) (*nodes, *lists) {
	ctx, end := context.WithCancel(context.Background())
	l, n := &lists{}, &nodes{}
	n.start(ctx, l.read, zap.NewNop())
	t.Cleanup(func() { end(); n.close() })
	return n, l
}

func (n *nodes) has(tag string) bool {
	found, ok := n.find(context.Background(), tag)
	return ok && found.Tag == tag && found.url.Host == tag+".example:3000"
}

// TestNewNodeIsFoundAtOnce checks that the first request for a session of a new node does not find
// an old list, also while others ask for tags of nobody.
func TestNewNodeIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, l := newNodes(t)
		l.set(0, nil, "aaaa")
		if !n.has("aaaa") || n.has("zzzz") {
			t.Error("the first list is wrong")
		}
		for _, tag := range []string{"bbbb", "cccc", "dddd"} {
			go n.has("zzzz")
			synctest.Wait()
			l.set(0, nil, "aaaa", tag)
			if start := time.Now(); !n.has(tag) || time.Since(start) > listPause {
				t.Errorf("%s is not found in %v", tag, time.Since(start))
			}
			time.Sleep(listPause / 2)
		}
	})
}

// TestTagsOfNobodyReadSeldom checks that made-up tags do not reach the store one by one.
func TestTagsOfNobodyReadSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, l := newNodes(t)
		l.set(0, nil, "aaaa")
		var asking sync.WaitGroup
		for range 100 {
			for range 10 {
				asking.Go(func() { n.has("zzzz") })
			}
			time.Sleep(10 * time.Millisecond)
		}
		asking.Wait()
		if l.reads > 6 {
			t.Errorf("%d readings in a second, want at most 4 and those at the ends", l.reads)
		}
		if start := time.Now(); !n.has("aaaa") || time.Since(start) > 0 {
			t.Error("a known node waits for a reading")
		}
	})
}

// TestStoreAway checks that known nodes stay known without the store, and for a while without an
// entry in it.
func TestStoreAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, l := newNodes(t)
		l.set(0, nil, "aaaa")
		n.has("aaaa")
		l.set(time.Minute, nil)
		for range 100 {
			if start := time.Now(); !n.has("aaaa") || time.Since(start) > 0 {
				t.Fatal("the store is needed for a known node")
			}
			time.Sleep(time.Second)
		}
		if start := time.Now(); n.has("zzzz") || time.Since(start) > 2*listTimeout+listPause {
			t.Errorf("a tag of nobody waits %v", time.Since(start))
		}
		l.set(0, errors.New("down"))
		if !n.has("aaaa") || n.has("zzzz") {
			t.Error("an error changes the list")
		}
		l.set(0, nil, "bbbb")
		if !n.has("bbbb") {
			t.Error("a new node is not found")
		}
		l.set(0, nil)
		for start := time.Now(); n.has("bbbb"); time.Sleep(time.Second) {
			if time.Since(start) > nodeLife+2*listAge {
				t.Fatal("a node that has ended is known for ever")
			}
		}
	})
}

// TestShortOutage checks that the request for a new node waits for a store that comes back soon, and
// that the nodes are known without a request when it goes away.
func TestShortOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, l := newNodes(t)
		l.set(0, errors.New("down"))
		time.AfterFunc(time.Second, func() { l.set(0, nil, "aaaa", "bbbb") })
		start := time.Now()
		if !n.has("bbbb") || time.Since(start) > time.Second+listPause {
			t.Errorf("the new node is not found in %v", time.Since(start))
		}
		l.set(0, errors.New("down"))
		start = time.Now()
		if n.has("zzzz") || time.Since(start) > listTimeout+listPause {
			t.Errorf("a tag of nobody waits %v", time.Since(start))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(context.Background())
		l, n := &lists{}, &nodes{}
		l.set(0, nil, "aaaa")
		n.start(ctx, l.read, zap.NewNop())
		synctest.Wait()
		l.set(0, errors.New("down"))
		if start := time.Now(); !n.has("aaaa") || time.Since(start) > 0 {
			t.Error("a node is not known before the first request")
		}
		end()
		n.close()
	})
}

// TestUnusableNodes checks that entries without what forwarding needs are left out.
func TestUnusableNodes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, l := newNodes(t)
		all := []Node{
			{Tag: "none", Secret: testSecret}, {Tag: "long!", Address: "http://a:1", Secret: testSecret},
			{Tag: "weak", Address: "http://a:1", Secret: testSecret[1:]},
			{Tag: "path", Address: "http://a:1/x", Secret: testSecret},
			{Tag: "good", Address: "https://good.example:3000/", Secret: testSecret},
		}
		l.mu.Lock()
		l.nodes = all
		l.mu.Unlock()
		for _, node := range all {
			if n.has(node.Tag) != (node.Tag == "good") {
				t.Errorf("%+v", node)
			}
		}
	})
}

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"http://10.0.0.1:3000": "http://10.0.0.1:3000", "https://node.example/": "https://node.example",
		"http://[2001:db8::1]:3000": "http://[2001:db8::1]:3000",
		"":                          "", "10.0.0.1:3000": "", "ftp://a": "", "http://": "", "http://:3000": "",
		"http://user@a": "", "http://a/path": "", "http://a?q": "", "http://a#f": "", "http://a:x": "",
	} {
		u, err := ParseAddress(text)
		if (err == nil) != (want != "") || err == nil && u.String() != want {
			t.Errorf("%q: %v, %v", text, u, err)
		}
	}
}
