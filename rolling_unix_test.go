//go:build unix

package main

import (
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/client"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// P10: the nodes of a cluster are restarted one after the other, by SIGTERM, while backends publish
// and clients of every transport read, all by a balancer without sticky sessions. Nobody misses
// anything, gets anything twice, or loses a session.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	each, backends, perSecond, restarts, drain, pause := 4, 6, 60, 3, "1s", 0*time.Second
	if servertest.Soaking() {
		each, backends, perSecond, restarts, drain, pause = 10, 60, 600, 20, "3s", time.Second
	}
	redis := redistest.Start(t, redistest.Options{})
	f := startFleet(t, redis, 3, map[string]string{"DRAIN_TIMEOUT": drain})
	c := newCrowd(t, f.balancer.Addr, each, 20*time.Millisecond, client.AllTransports...)
	saved(t, redis, c)
	stop := f.publish(c, backends, perSecond)
	for n := range restarts {
		i := n % len(f.nodes)
		time.Sleep(pause)
		f.stop(i)
		f.start(i)
		f.nodes[i].waitReady()
	}
	stop()
	c.verify()
	f.figures(c)
	f.stop(0, 1, 2)
	f.logged()
}

// R15: nodes are killed one after the other, and in between Redis is, while backends publish and
// clients of every transport read, by a balancer without sticky sessions. All clients come back to
// other nodes as the same clients, and have missed nothing that was acknowledged.
func TestKilledNodesAndRedis(t *testing.T) {
	t.Parallel()
	each, perSecond, kills := 4, 60, 3
	if servertest.Soaking() {
		each, perSecond, kills = 100, 50, 9
	}
	redis := redistest.Start(t, redistest.Options{Append: "always"})
	f := startFleet(t, redis, 3, nil)
	c := newCrowd(t, f.balancer.Addr, each, 20*time.Millisecond, client.AllTransports...)
	stop := f.publish(c, 6, perSecond)
	for n := range kills {
		i := n % len(f.nodes)
		saved(t, redis, c)
		f.nodes[i].kill(t)
		f.awaitMoved(c, i)
		f.start(i)
		f.nodes[i].waitReady()
		redis.Kill()
		redis.Restart(t)
		servertest.Eventually(t, "every node publishes", func() bool {
			for _, p := range f.nodes {
				if status, _ := p.tryPublish(); status != 200 {
					return false
				}
			}
			return true
		})
	}
	stop()
	c.verify()
	f.figures(c)
	f.logged()
}
