//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/chaos"
	"github.com/roomcast/roomcast/server/servertest/client"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// fleet is nodes with one Redis, behind a balancer without sticky sessions: each connection goes to
// the next node that accepts it. The nodes are processes of their own.
type fleet struct {
	t        *testing.T
	nodes    []*child
	settings []map[string]string
	balancer *chaos.Proxy
}

// startFleet starts nodes. Each keeps its address over restarts.
func startFleet(t *testing.T, redis *redistest.Server, n int, more map[string]string) *fleet {
	t.Helper()
	f := &fleet{t: t, balancer: chaos.New(t, "", 10)}
	for i := range n {
		settings := nodeOf(redis)
		maps.Copy(settings, faultSettings())
		maps.Copy(settings, more)
		settings["PORT"] = fmt.Sprint(servertest.FreePort(t))
		settings["CLUSTER_ADVERTISE"] = "http://127.0.0.1:" + settings["PORT"]
		settings["TRUSTED_PROXIES"] = "127.0.0.1"
		f.settings, f.nodes = append(f.settings, settings), append(f.nodes, nil)
		f.start(i)
	}
	var targets []string
	for _, p := range f.nodes {
		p.waitReady()
		targets = append(targets, p.address())
	}
	f.balancer.Target(targets...)
	return f
}

// start starts a node on its address.
func (f *fleet) start(i int) {
	f.t.Helper()
	f.nodes[i] = startChild(f.t, 4096, f.settings[i])
}

// stop ends nodes by SIGTERM, at the same time.
func (f *fleet) stop(numbers ...int) {
	f.t.Helper()
	for _, i := range numbers {
		if err := f.nodes[i].cmd.Process.Signal(syscall.SIGTERM); err != nil {
			f.t.Fatal(err)
		}
	}
	for _, i := range numbers {
		if err := f.nodes[i].cmd.Wait(); err != nil {
			f.t.Errorf("node %d: %v\n%s", i, err, f.nodes[i].out)
		}
	}
}

// publish starts backends that together send a number of notifications a second by the balancer. Each
// repeats a request until it has a receipt. The function that it returns ends them.
func (f *fleet) publish(c *crowd, backends, perSecond int) (stop func()) {
	f.t.Helper()
	every := time.Second * time.Duration(backends) / time.Duration(perSecond)
	var publishers []*client.Publisher
	for i := range backends {
		p := client.NewPublisher(f.t, client.PublisherOptions{Base: f.balancer.Addr, Key: testKey,
			Name: fmt.Sprint("b", i), Channel: crowdChannel, Every: every, Repeat: true}, c.Book)
		p.Run(f.t)
		publishers = append(publishers, p)
	}
	return func() {
		for _, p := range publishers {
			p.Stop()
		}
	}
}

// figures logs how often and how long the clients of a crowd were away, and how many sessions were
// recovered. A node that does not find a session within the Hub's ResumeTimeout begins another, so on a
// slow machine, and while Redis is away, a few are not.
func (f *fleet) figures(c *crowd) {
	f.t.Helper()
	var away []time.Duration
	socketio, recovered := 0, 0
	for _, one := range c.clients {
		away = append(away, one.Away()...)
		if one.Transport() != client.EventSource {
			socketio += one.Connects() - 1
			recovered += one.Recovered()
		}
	}
	if len(away) == 0 {
		f.t.Fatal("no client was ever away")
	}
	slices.Sort(away)
	f.t.Logf("%d times a client was away, p50 %v, p99 %v, longest %v; %d of %d sessions recovered",
		len(away), away[len(away)/2], away[len(away)*99/100], away[len(away)-1], recovered, socketio)
	want := socketio * 3 / 4
	if servertest.Soaking() {
		want = socketio * 95 / 100
	}
	if recovered < want {
		f.t.Errorf("%d sessions were recovered, want %d", recovered, want)
	}
}

// awaitMoved waits until all clients of a crowd are connected to other nodes than one that has ended.
// These may also have connections that their clients have left.
func (f *fleet) awaitMoved(c *crowd, ended int) {
	f.t.Helper()
	var counts []int
	var away []error
	for deadline := time.Now().Add(servertest.Patience); ; time.Sleep(10 * time.Millisecond) {
		total := 0
		counts, away = nil, nil
		for i, p := range f.nodes {
			if i != ended {
				counts = append(counts, p.connections())
				total += counts[len(counts)-1]
			}
		}
		for _, one := range c.clients {
			if !one.Connected() {
				away = append(away, one.Lost())
			}
		}
		if total >= len(c.clients) && len(away) == 0 {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("the other nodes have %v connections of %d clients; %d are away: %v", counts,
				len(c.clients), len(away), errors.Join(away...))
		}
	}
}

// connections returns how many connections a node has.
func (p *program) connections() int {
	p.t.Helper()
	_, text := servertest.Do(p.t, "GET", p.base+"/v1/stats", "", "X-API-Key: "+testKey)
	var stats struct{ Total int }
	if err := json.Unmarshal([]byte(text), &stats); err != nil {
		p.t.Fatalf("%v in %s", err, text)
	}
	return stats.Total
}

// saved waits until Redis has the sessions of all Socket.IO clients.
func saved(t *testing.T, redis *redistest.Server, c *crowd) {
	t.Helper()
	want := 0
	for _, one := range c.clients {
		if one.Transport() != client.EventSource {
			want++
		}
	}
	servertest.Eventually(t, "the sessions are in Redis", func() bool {
		keys, _ := redis.Do(t, "KEYS", "sio:session:*").([]any)
		return len(keys) >= want
	})
}

// logged fails the test if a node has logged a panic.
func (f *fleet) logged() {
	f.t.Helper()
	for i, p := range f.nodes {
		if strings.Contains(p.out.String()+p.notes.String(), "panic") {
			f.t.Errorf("node %d:\n%s%s", i, p.out, p.notes)
		}
	}
}
