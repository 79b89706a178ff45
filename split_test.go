package main

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/chaos"
	"github.com/roomcast/roomcast/server/servertest/client"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// split is two nodes, each with a way of its own to Redis, and clients of every transport at both.
type split struct {
	t     *testing.T
	nodes [2]*program
	ways  [2]*chaos.Proxy
	crowd *crowd
}

func startSplit(t *testing.T, redis *redistest.Server, more map[string]string) *split {
	t.Helper()
	s := &split{t: t}
	for i := range s.nodes {
		s.ways[i] = chaos.New(t, redis.Addr(), uint64(i))
		settings := faultSettings()
		for name, value := range more {
			settings[name] = value
		}
		settings["REDIS_URL"] = "redis://" + s.ways[i].Addr
		s.nodes[i] = start(t, settings)
	}
	for _, p := range s.nodes {
		p.waitReady()
	}
	s.crowd = newCrowd(t, s.nodes[0].address(), 2, 20*time.Millisecond, client.AllTransports...)
	s.crowd.join(s.nodes[1].address(), 2, 20*time.Millisecond, client.AllTransports...)
	return s
}

// publish starts a publisher at each node.
func (s *split) publish(o client.PublisherOptions) (publishers []*client.Publisher) {
	for i, p := range s.nodes {
		o.Base, o.Key, o.Name, o.Channel = p.address(), testKey, fmt.Sprint("n", i), crowdChannel
		one := client.NewPublisher(s.t, o, s.crowd.Book)
		one.Run(s.t)
		publishers = append(publishers, one)
	}
	return publishers
}

// await waits until a node answers publishes with a status.
func (s *split) await(node, status int) {
	s.t.Helper()
	servertest.Eventually(s.t, fmt.Sprintf("node %d answers %d", node, status), func() bool {
		got, _ := s.nodes[node].tryPublish()
		return got == status
	})
}

// stayed fails the test if a client has lost its connection.
func (s *split) stayed() {
	s.t.Helper()
	for _, one := range s.crowd.clients {
		if n := one.Connects(); n != 1 {
			s.t.Errorf("a client of %s connected %d times, the last because of %v", one.Transport(), n,
				one.Lost())
		}
	}
}

// R08: the network between Redis and one of two nodes drops every packet. That node refuses
// publishes and keeps its clients, which have missed nothing when the network is back, in the order
// of the other node.
func TestNodeIsCutOffFromRedis(t *testing.T) {
	t.Parallel()
	s := startSplit(t, redistest.Start(t, redistest.Options{}), nil)
	publishers := s.publish(client.PublisherOptions{Every: 5 * time.Millisecond, Repeat: true})
	for range servertest.Soaked(1) {
		s.ways[1].Stall(true)
		s.await(1, 503)
		s.await(0, 200)
		s.ways[1].Stall(false)
		s.await(1, 200)
	}
	for _, p := range publishers {
		p.Stop()
	}
	s.crowd.verify()
	s.stayed()
}

// R09: the primary is cut off from its replica, together with one of two nodes, and the replica is
// promoted for the other. The old primary does not accept what no replica has, so nothing that was
// acknowledged is lost when it becomes a replica.
func TestTwoPrimaries(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t, redistest.Options{
		Config: []string{"min-replicas-to-write 1", "min-replicas-max-lag 1"}})
	link := chaos.New(t, primary.Addr(), 9) // between the servers
	_, port, err := net.SplitHostPort(link.Addr)
	if err != nil {
		t.Fatal(err)
	}
	replica := redistest.Start(t, redistest.Options{
		Config: []string{"replicaof 127.0.0.1 " + port, "repl-diskless-sync-delay 0"}})
	servertest.Eventually(t, "the replica follows", func() bool {
		return primary.Info(t, "connected_slaves") == "1" &&
			replica.Info(t, "master_link_status") == "up"
	})
	s := startSplit(t, primary, map[string]string{"DURABILITY": "replica"})
	s.crowd.Forked = true // the first node's clients may have got what it could not acknowledge
	publishers := s.publish(client.PublisherOptions{Every: 5 * time.Millisecond})
	s.await(0, 200)
	s.await(1, 200)

	link.Stall(true)
	s.await(0, 503)
	replica.Do(t, "REPLICAOF", "NO", "ONE")
	s.ways[1].Target(replica.Addr())
	s.ways[1].Cut(1)
	redistest.Start(t, redistest.Options{ReplicaOf: replica})
	s.await(1, 200) // at the replica that was promoted
	if status, text := s.nodes[0].tryPublish(); status != 503 || !strings.Contains(text, "unavailable") {
		t.Errorf("the node at the old primary answers %d %s", status, text)
	}

	primary.Kill()
	s.ways[0].Target(replica.Addr())
	s.ways[0].Cut(1)
	s.await(0, 200)
	for _, p := range publishers {
		p.Stop()
	}
	t.Log(s.crowd.Verify(t))
	s.stayed()
}
