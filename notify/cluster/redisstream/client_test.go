package redisstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

func works(t *testing.T, o Options) {
	t.Helper()
	c := dial(t, o)
	if err := c.set(t.Context(), t.Name()); err != nil {
		t.Fatal(err)
	}
	if value, err := c.get(t.Context()); value != t.Name() || err != nil {
		t.Errorf("got %q %v", value, err)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	t.Run("one server", func(t *testing.T) {
		t.Parallel()
		s := redistest.Start(t, redistest.Options{
			Password: "p/a?s#s@:%w", Socket: true, Users: []string{nodeUser}})
		works(t, options(s.URL()))
		works(t, options(s.URL()+"/3"))
		works(t, options(s.URL()+"?db=3"))
		works(t, options(s.SocketURL()))
		works(t, options(s.URLOf("roomcast", "node-password"))) // R14
		if s.Do(t, "DBSIZE") != int64(1) || !strings.Contains(s.Info(t, "db3"), "keys=1,") {
			t.Error("the key is not in databases 0 and 3")
		}
	})
	t.Run("TLS", func(t *testing.T) {
		t.Parallel()
		s := redistest.Start(t, redistest.Options{Password: "secret", TLS: true})
		o := options(s.URL())
		o.TLS = &tls.Config{RootCAs: s.Roots()}
		works(t, o)
		works(t, options(s.URL()+"?skip_verify=true"))
		c, _ := newClient(t, options(s.URL()))
		servertest.Eventually(t, "the certificate of an unknown authority is named", func() bool {
			err := c.set(t.Context(), "v") // a busy machine may not have the answer in time
			return errors.Is(err, ErrUnavailable) &&
				strings.Contains(err.Error(), "certificate signed by unknown authority")
		})
	})
	t.Run("TLS where the server has none", func(t *testing.T) {
		t.Parallel()
		s := redistest.Start(t, redistest.Options{})
		c, _ := newClient(t, options(strings.Replace(s.URL(), "redis:", "rediss:", 1)))
		servertest.Eventually(t, "the handshake is named", func() bool {
			err := c.set(t.Context(), "v") // a busy machine may be too late for it
			return errors.Is(err, ErrUnavailable) && strings.Contains(err.Error(), "TLS handshake with "+s.Addr())
		})
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		for _, s := range redistest.StartCluster(t, 3) {
			works(t, options(s.URL()+"?cluster=true"))
			c, _ := newClient(t, options(s.URL()))
			if err := c.Check(t.Context()); !errors.Is(err, ErrRefused) ||
				!strings.Contains(err.Error(), "add cluster=true to its URL") {
				t.Errorf("a Redis Cluster as one server: %v", err)
			}
		}
	})
}

// The client follows a slot that moves to another server of a Redis Cluster.
func TestSlotMoves(t *testing.T) {
	t.Parallel()
	servers := redistest.StartCluster(t, 2)
	c := dial(t, options(servers[0].URL()+"?cluster=true"))
	slot := fmt.Sprint(servers[0].Do(t, "CLUSTER", "KEYSLOT", c.o.Stream))
	for i := range 4 {
		to := servers[i%2]
		id := to.Do(t, "CLUSTER", "MYID").(string)
		for _, s := range servers {
			if _, err := s.Try("DEL", c.key("test")); err != nil { // a slot with keys does not move
				t.Fatal(err)
			}
		}
		to.Do(t, "CLUSTER", "SETSLOT", slot, "NODE", id)
		servers[(i+1)%2].Do(t, "CLUSTER", "SETSLOT", slot, "NODE", id)
		servertest.Eventually(t, "the client finds the server", func() bool {
			return c.set(t.Context(), "v") == nil
		})
		if to.Do(t, "GET", c.key("test")) != "v" {
			t.Errorf("move %d: the value is elsewhere", i)
		}
	}
}

// A caller's deadline says nothing about the server, so it is not in the log.
func TestDeadlineOfCaller(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	c, log := newClient(t, options(s.URL()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.set(ctx, "v"); !errors.Is(err, ErrUnavailable) || log.Text() != "" {
		t.Errorf("%v, log %s", err, log.Text())
	}
}

// The client follows a Sentinel to the replica that replaces the primary.
func TestSentinel(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t, redistest.Options{Password: "data"})
	replica := redistest.Start(t, redistest.Options{Password: "data", ReplicaOf: primary})
	sentinel := redistest.StartSentinel(t, primary)
	sentinel.AwaitReplicas(t, 1)
	c := dial(t, options(sentinel.URL()+"?password=data&master_name="+redistest.PrimaryName))
	if err := c.set(t.Context(), "before"); err != nil {
		t.Fatal(err)
	}
	if primary.Do(t, "GET", c.key("test")) != "before" {
		t.Error("the client does not write to the primary")
	}
	servertest.Eventually(t, "the replica has the value", func() bool {
		return replica.Do(t, "GET", c.key("test")) == "before"
	})
	primary.Kill()
	servertest.Eventually(t, "the client writes to the replica", func() bool {
		return c.set(t.Context(), "after") == nil
	})
	if replica.Do(t, "GET", c.key("test")) != "after" {
		t.Error("the value is not in the replica")
	}
}

// R01: a client waits for a server that is not there yet.
func TestConnectWaits(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	s.Kill()
	c, log := newClient(t, options(s.URL()))
	connected := make(chan error, 1)
	go func() { connected <- c.Connect(t.Context()) }()
	servertest.Eventually(t, "the client says that it waits", func() bool {
		return strings.Contains(log.Text(), "Redis is unavailable")
	})
	s.Restart(t)
	up := time.Now()
	if err := servertest.Receive(t, connected); err != nil {
		t.Fatal(err)
	}
	t.Logf("connected %v after the server answered", time.Since(up))
	if lines := log.Lines(t); len(lines) < 2 || lines[len(lines)-1]["msg"] != "Redis answers again" {
		t.Errorf("the log: %s", log.Text())
	}
	s.Kill()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { connected <- c.Connect(ctx) }()
	cancel()
	if err := servertest.Receive(t, connected); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled Connect: %v", err)
	}
	go func() { connected <- c.Connect(t.Context()) }()
	c.Close()
	if err := servertest.Receive(t, connected); !errors.Is(err, ErrClosed) {
		t.Errorf("Connect of a closed client: %v", err)
	}
}

// R06: a call ends although the server does not answer, also while the connection is made.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	c := dial(t, options(s.URL()))
	fresh, _ := newClient(t, options(s.URL()))
	s.Pause(t)
	for name, client := range map[string]*Client{"connected": c, "new": fresh} {
		begin := time.Now()
		err := client.set(t.Context(), "v")
		t.Logf("%s: %v after %v", name, err, time.Since(begin))
		if !errors.Is(err, ErrUnavailable) || time.Since(begin) < Timeout/2 {
			t.Errorf("%s: %v after %v", name, err, time.Since(begin))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if err := client.set(ctx, "v"); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s, with a deadline: %v", name, err)
		}
		cancel()
	}
	s.Continue(t)
	for _, client := range []*Client{c, fresh} {
		if err := client.set(t.Context(), "v"); err != nil {
			t.Errorf("after the pause: %v", err)
		}
	}
}

// A command whose reply is lost is not sent again.
func TestNoRepetition(t *testing.T) {
	t.Parallel()
	s, c, d := startDeaf(t)
	d.next.Store(true)
	err := c.do(t.Context(), func(ctx context.Context, r *redis.Client) error {
		return r.Incr(ctx, c.key("n")).Err()
	})
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("the call: %v", err)
	}
	if n := s.Do(t, "GET", c.key("n")); n != "1" {
		t.Errorf("INCR was carried out %v times", n)
	}
}

// R05: connections that break leave no goroutine behind. The test is not parallel, because it
// counts the goroutines of the process.
func TestFlaps(t *testing.T) {
	s, c := start(t)
	before := runtime.NumGoroutine()
	for i := range 20 {
		s.Kill()
		for range 2 * poolSize { // more than go-redis's pool takes before it starts a goroutine
			if err := c.set(t.Context(), "v"); err == nil {
				t.Fatal("a killed server answers")
			}
		}
		s.Restart(t)
		if err := c.set(t.Context(), fmt.Sprint(i)); err != nil {
			t.Fatalf("the first call after flap %d: %v", i, err)
		}
	}
	servertest.Eventually(t, "goroutines end", func() bool {
		return runtime.NumGoroutine() <= before+5
	})
}

// A call that runs ends with the client.
func TestClose(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	c := dial(t, options(s.URL()))
	s.Pause(t)
	failed := make(chan error, 1)
	go func() { failed <- c.set(t.Context(), "v") }()
	c.Close()
	if err := servertest.Receive(t, failed); !errors.Is(err, ErrClosed) {
		t.Errorf("a call: %v", err)
	}
	if err := c.set(t.Context(), "v"); !errors.Is(err, ErrClosed) {
		t.Errorf("a call afterwards: %v", err)
	}
}

// The documentation has the rules of the user of the tests.
func TestDocumentedUser(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/cluster.md")
	if err != nil {
		t.Fatal(err)
	}
	want := "user " + strings.Replace(nodeUser, "node-password", "PASSWORD", 1)
	if !strings.Contains(string(page), want) {
		t.Errorf("docs/cluster.md has no line\n%s", want)
	}
}
