package redisstream

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/presencetest"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// shareOn adds a node with counts, which the test closes.
func shareOn(t testing.TB, c *Client, n int) *Presence {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), servertest.Patience)
	defer cancel()
	p, err := join(t, c, n).Presence(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
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
	three := shareOn(t, dial(t, options(s.URL())), 3)
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
	admin := redis.NewClient(redisOptions(t, s))
	defer admin.Close()
	ttl, err := admin.PTTL(t.Context(), one.key(one.uid)).Result()
	if err != nil || ttl <= 0 || ttl > presenceLife {
		t.Fatalf("the server keeps the counts for %v, %v", ttl, err)
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
	if err := admin.Del(t.Context(), one.key(one.uid)).Err(); err != nil { // instead of 15 s
		t.Fatal(err)
	}
	seen.Await(t, "u:a Ada, u:a Ada")
	if two.Count("u:a") != 0 || !two.Leads() {
		t.Error("the node is still there")
	}
}

func redisOptions(t testing.TB, s *redistest.Server) *redis.Options {
	t.Helper()
	o, err := redis.ParseURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// While the server is away nothing changes. One that comes back empty gets all counts again, and a
// node that starts then reads them.
func TestPresenceAfterALossOfTheServer(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	one, two := shareOn(t, c, 1), shareOn(t, dial(t, options(s.URL())), 2)
	var seen presencetest.Seen
	two.Watch("u:", seen.Add)
	one.Set("u:a", 2, "Ada")
	one.Set("u:b", 1, "Bob")
	presencetest.Await(t, two, "u:a", 2)
	presencetest.Await(t, two, "u:b", 1)
	s.Kill()
	one.Set("u:b", 0, "")
	one.Set("u:c", 1, "Cyd")
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
		hash, err := redisHash(t, s, one)
		return err == nil && hash[wholeField] == "1" && hash["u:a"] == "2 Ada" && hash["u:c"] == "1 Cyd"
	})
	three := shareOn(t, dial(t, options(s.URL())), 3)
	presencetest.Await(t, three, "u:a", 2)
}

func redisHash(t testing.TB, s *redistest.Server, p *Presence) (map[string]string, error) {
	r := redis.NewClient(redisOptions(t, s))
	defer r.Close()
	return r.HGetAll(t.Context(), p.key(p.uid)).Result()
}

// Connections that end, and messages that no node has written, lose nothing.
func TestPresenceWithFaults(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	one, two := shareOn(t, c, 1), shareOn(t, dial(t, options(s.URL())), 2)
	r := redis.NewClient(redisOptions(t, s))
	defer r.Close()
	channel := c.channel(presenceChannel)
	for i := range 20 {
		one.Set("u:a", i+1, "")
		one.Set(fmt.Sprint("c:", i), 1, "")
		for _, text := range []string{"", "{", `{"uid":"x"}`, `{"uid":7}`, `[]`,
			`{"uid":"` + one.uid + `","version":18446744073709551615}`,
			`{"uid":"` + one.uid + `","version":-1}`,
			`{"uid":"ffffffffffffffff","version":1,"set":{"u:z":"1"}}`} {
			if err := r.Publish(t.Context(), channel, text).Err(); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.ClientKillByFilter(t.Context(), "TYPE", "pubsub").Err(); err != nil {
			t.Fatal(err)
		}
	}
	presencetest.Await(t, two, "u:a", 20)
	for i := range 20 {
		presencetest.Await(t, two, fmt.Sprint("c:", i), 1)
	}
}
