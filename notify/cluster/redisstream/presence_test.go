package redisstream

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster"
	"github.com/roomcast/roomcast/notify/presencetest"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// shareOn adds a node with counts, which the test closes.
func shareOn(t testing.TB, c *Client, n int) *Presence {
	t.Helper()
	p := join(t, c, n).Presence()
	t.Cleanup(p.Close)
	servertest.Receive(t, p.Ready())
	return p
}

// kill ends a node without a word to the others.
func (p *Presence) kill() {
	p.end()
	p.running.Wait()
}

func TestPresence(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{Users: []string{nodeUser}})
	presencetest.Test(t, func(t testing.TB, nodes int) (all []notify.Presence) {
		for i := range nodes {
			o := options(s.URLOf("roomcast", "node-password"))
			o.Stream = strings.Map(letters, t.Name())
			all = append(all, shareOn(t, dial(t, o), i))
		}
		return all
	})
}

func TestPresenceOfRedisCluster(t *testing.T) {
	t.Parallel()
	servers := redistest.StartCluster(t, 3)
	presencetest.Test(t, func(t testing.TB, nodes int) (all []notify.Presence) {
		for i := range nodes {
			o := options(servers[i].URL() + "?cluster=true")
			o.Stream = strings.Map(letters, t.Name())
			all = append(all, shareOn(t, dial(t, o), i))
		}
		return all
	})
}

// A node that starts later knows everything when Presence returns.
func TestPresenceOfALaterNode(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	one, two := shareOn(t, c, 1), shareOn(t, dial(t, options(s.URL())), 2)
	one.Set("u:a", 2, "Ada")
	presencetest.Await(t, two, "u:a", 2)
	bus := join(t, dial(t, options(s.URL())), 3)
	three := bus.Presence()
	defer three.Close()
	var seen presencetest.Seen
	three.Watch("u:", seen.Add) // before it has read anything, or after that
	servertest.Receive(t, three.Ready())
	seen.Await(t, "u:a Ada (known)")
	if n := three.Count("u:a"); n != 2 {
		t.Errorf("%d at first", n)
	}
	one.Close() // it ends in order
	presencetest.Await(t, two, "u:a", 0)
	presencetest.Await(t, three, "u:a", 0)
}

// A node that was killed is forgotten when it has been silent for presenceLife and the server has
// forgotten it, too; watchers get each of its fields once.
func TestPresenceOfAKilledNode(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	var later atomic.Int64
	o := options(s.URL())
	o.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	one, two := shareOn(t, c, 1), shareOn(t, dial(t, o), 2)
	var seen presencetest.Seen
	two.Watch("u:", seen.Add)
	one.Set("u:a", 2, "Ada")
	seen.Await(t, "u:a Ada")
	one.kill()
	ttl, _ := s.Do(t, "PTTL", one.key(one.uid)).(int64)
	if ttl <= 0 || ttl > presenceLife.Milliseconds() {
		t.Fatalf("the server keeps the counts for %d ms", ttl)
	}
	later.Store(int64(presenceLife))
	silent := o.Now()
	servertest.Eventually(t, "two looks", func() bool {
		two.others.mu.RLock()
		defer two.others.mu.RUnlock()
		return two.others.peers[one.uid].retry.Sub(silent) > 2*presenceRetry
	})
	if n := two.Count("u:a"); n != 2 {
		t.Errorf("%d while the server has the counts", n)
	}
	s.Do(t, "DEL", one.key(one.uid)) // instead of 15 s
	seen.Await(t, "u:a Ada, u:a Ada")
	if two.Count("u:a") != 0 || !two.Leads() {
		t.Error("the node is still there")
	}
}

// While the server is away nothing changes. One that comes back empty gets all counts again, and a
// node that starts then reads them.
func TestPresenceAfterALossOfTheServer(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	var later atomic.Int64
	o := options(s.URL())
	o.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	one, two := shareOn(t, c, 1), shareOn(t, dial(t, o), 2)
	var seen presencetest.Seen
	two.Watch("u:", seen.Add)
	one.Set("u:a", 2, "Ada")
	one.Set("u:b", 1, "Bob")
	presencetest.Await(t, two, "u:a", 2)
	presencetest.Await(t, two, "u:b", 1)
	s.Kill()
	one.Set("u:b", 0, "")
	one.Set("u:c", 1, "Cyd")
	later.Store(int64(time.Minute)) // all that time
	s.RestartEmpty(t)
	presencetest.Await(t, two, "u:c", 1)
	presencetest.Await(t, two, "u:b", 0)
	if n := two.Count("u:a"); n != 2 {
		t.Errorf("%d of what did not change", n)
	}
	if text := seen.Text(); strings.Count(text, "u:a") != 1 {
		t.Errorf("watched %s", text)
	}
	servertest.Eventually(t, "the whole hash", func() bool {
		values, _ := s.Do(t, "HMGET", one.key(one.uid), wholeField, "u:a", "u:b", "u:c").([]any)
		return fmt.Sprint(values) == "[1 2 Ada <nil> 1 Cyd]"
	})
	three := shareOn(t, dial(t, options(s.URL())), 3)
	presencetest.Await(t, three, "u:a", 2)
}

// A node of another database is not counted, and the log says that both have the same channels.
func TestPresenceOfAnotherDatabase(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	var later atomic.Int64
	o := options(s.URL() + "/1")
	o.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	client, log := newClient(t, o)
	const warning = "a node of another database of Redis"
	one, two := shareOn(t, c, 1), shareOn(t, client, 2)
	for i := range 5 { // together 20 s
		one.Set("u:a", i+1, "Ada")
		now := o.Now()
		servertest.Eventually(t, "a message", func() bool {
			two.others.mu.RLock()
			defer two.others.mu.RUnlock()
			peer := two.others.peers[uid(1)]
			return peer != nil && !peer.spoke.Before(now)
		})
		if i == 0 && strings.Contains(log.Text(), warning) {
			t.Error("warned after one message")
		}
		later.Add(int64(presenceLife / 3))
	}
	servertest.Eventually(t, "a warning", func() bool { return strings.Contains(log.Text(), warning) })
	if n := two.Count("u:a"); n != 0 {
		t.Errorf("%d", n)
	}
}

// Connections that end, and messages that no node has written, lose nothing.
func TestPresenceWithFaults(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	one, two := shareOn(t, c, 1), shareOn(t, dial(t, options(s.URL())), 2)
	channel := c.channel(presenceChannel)
	for i := range 20 {
		one.Set("u:a", i+1, "")
		one.Set(fmt.Sprint("c:", i), 1, "")
		for _, text := range []string{"", "{", `{"uid":"x"}`, `{"uid":7}`, `[]`,
			`{"uid":"` + one.uid + `","version":18446744073709551615}`,
			`{"uid":"` + one.uid + `","version":-1}`,
			`{"uid":"ffffffffffffffff","version":1,"set":{"u:z":"1"}}`} {
			s.Do(t, "PUBLISH", channel, text)
		}
		s.Do(t, "CLIENT", "KILL", "TYPE", "pubsub")
	}
	presencetest.Await(t, two, "u:a", 20)
	for i := range 20 {
		presencetest.Await(t, two, fmt.Sprint("c:", i), 1)
	}
}

// A node is ready when the others can find it, too: the ids of sessions have its tag.
func TestReadyNodeHasATag(t *testing.T) {
	t.Parallel()
	user := strings.NewReplacer(" +evalsha", "", " +eval", "").Replace(nodeUser)
	s := redistest.Start(t, redistest.Options{Users: []string{user}})
	c, _ := newClient(t, options(s.URLOf("roomcast", "node-password")))
	bus, err := c.JoinLater(cluster.Node{UID: uid(1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	p := bus.Presence()
	t.Cleanup(p.Close)
	servertest.Receive(t, p.known)
	if tag := bus.Self().Tag; tag != "" || isClosed(p.Ready()) {
		t.Fatalf("ready with the tag %q", tag)
	}
	s.Do(t, "ACL", "SETUSER", "roomcast", "+eval", "+evalsha")
	servertest.Receive(t, p.Ready())
	if bus.Self().Tag == "" {
		t.Error("ready without a tag")
	}
}
