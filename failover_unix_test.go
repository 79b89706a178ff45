//go:build unix

package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/client"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// The primary is killed while the nodes restart one after the other. A Sentinel promotes a replica,
// and nothing that was acknowledged is lost, because DURABILITY=replica waits for a replica.
func TestFailoverDuringRollingRestart(t *testing.T) {
	t.Parallel()
	each, every := 4, 20*time.Millisecond
	if servertest.Soaking() {
		each, every = 50, 2*time.Millisecond
	}
	primary := redistest.Start(t, redistest.Options{})
	for range 2 {
		redistest.Start(t, redistest.Options{ReplicaOf: primary})
	}
	sentinel := redistest.StartSentinel(t, primary)
	sentinel.AwaitReplicas(t, 2)
	f := startFleet(t, primary, 3, map[string]string{"DRAIN_TIMEOUT": "1s", "DURABILITY": "replica",
		"REDIS_URL": sentinel.URL() + "?master_name=" + redistest.PrimaryName})
	c := newCrowd(t, f.balancer.Addr, each, 20*time.Millisecond, client.AllTransports...)
	c.Forked = true // some clients get what the primary has not yet given to a replica
	var publishers []*client.Publisher
	for _, name := range []string{"a", "b"} {
		p := client.NewPublisher(t, client.PublisherOptions{Base: f.balancer.Addr, Key: testKey,
			Name: name, Channel: crowdChannel, Every: every}, c.Book)
		p.Run(t)
		publishers = append(publishers, p)
	}
	for i := range f.nodes {
		f.stop(i)
		if i == 1 {
			primary.Kill()
		}
		f.start(i)
		f.nodes[i].waitReady()
	}
	servertest.Eventually(t, "every node publishes", func() bool {
		for _, p := range f.nodes {
			if status, _ := p.tryPublish(); status != 200 {
				return false
			}
		}
		return true
	})
	for _, p := range publishers {
		p.Stop()
	}
	t.Log(c.Verify(t))
	f.stop(0, 1, 2)
	f.logged()
}

// A node does not run for a while, as in a virtual machine that moves. The clients of the others
// notice nothing, and its own have everything when it runs again, although the other nodes have
// given it up in make soak.
func TestNodeIsStopped(t *testing.T) {
	t.Parallel()
	away := 2 * time.Second
	if servertest.Soaking() {
		away = 30 * time.Second
	}
	f := startFleet(t, redistest.Start(t, redistest.Options{}), 2, nil)
	c := newCrowd(t, f.nodes[0].address(), 4, 20*time.Millisecond, client.AllTransports...)
	c.join(f.nodes[1].address(), 4, 20*time.Millisecond, client.AllTransports...)
	p := client.NewPublisher(t, client.PublisherOptions{Base: f.nodes[1].address(), Key: testKey,
		Name: "n", Channel: crowdChannel, Every: 5 * time.Millisecond}, c.Book)
	p.Run(t)
	stopped := f.nodes[0].cmd.Process
	if err := stopped.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(away)
	if err := stopped.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	servertest.Eventually(t, "the node publishes", func() bool {
		status, _ := f.nodes[0].tryPublish()
		return status == 200
	})
	p.Stop()
	c.verify()
	if n := f.nodes[0].connections(); n != len(c.clients)/2 {
		t.Errorf("the node has %d connections, want %d", n, len(c.clients)/2)
	}
	f.stop(0, 1)
	f.logged()
}
