//go:build unix

package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/chaos"
	"github.com/roomcast/roomcast/server/servertest/client"
)

// N05: all clients lose their connection at once, miss 100 notifications and come back at once,
// while a publisher goes on. In make soak, 5,000 of them are back within 10 s, and 99 % of the
// publishes take less than 250 ms.
func TestReconnectStorm(t *testing.T) {
	each := 2500
	if !servertest.Soaking() { // whose figures need the machine alone
		t.Parallel()
		each = 100
	}
	p := startChild(t, 20_000, faultSettings())
	proxy := chaos.New(t, p.address(), 5)
	c := newCrowd(t, proxy.Addr, each, 20*time.Millisecond)
	missed := c.publisher(p.address(), 10, 0)
	missed.Publish()
	c.Verify(t) // all are there

	proxy.Refuse(true)
	proxy.Cut(1)
	for range 10 {
		missed.Publish()
	}
	start := time.Now()
	proxy.Refuse(false)
	during := c.publisher(p.address(), 1, 100*time.Millisecond)
	during.Name = "during"
	during.Run(t)
	stop := client.PublishElsewhere(t, client.PublisherOptions{Base: p.address(), Key: testKey,
		Name: "other", Channel: "others", Every: 10 * time.Millisecond}, c.Book)
	c.awaitConnects(2)
	took := time.Since(start)
	p99 := stop()
	during.Stop()
	c.verify()
	whole := time.Since(start)
	t.Logf("%d clients were back after %v, with everything after %v; p99 of publishes %v",
		2*each, took, whole, p99)
	if servertest.Soaking() && (whole > 10*time.Second || p99 > 250*time.Millisecond) {
		t.Error("want 10 s and 250 ms")
	}
}

// P08: the server does not run for a while, as in a virtual machine that moves. No connection ends,
// and everything that is published then and later arrives.
func TestStoppedServer(t *testing.T) {
	t.Parallel()
	settings := faultSettings()
	each, pause := 20, time.Second
	settings["SSE_HEARTBEAT_INTERVAL"] = "100" // due many times while the server is stopped
	if servertest.Soaking() {                  // a machine of any speed answers the pings of the short form in time
		each, pause = 100, 30*time.Second
		settings["SOCKETIO_PING_INTERVAL"], settings["SOCKETIO_PING_TIMEOUT"] = "5s", "10s"
	}
	p := startChild(t, 1000, settings)
	c := newCrowd(t, p.address(), each, 20*time.Millisecond)
	publisher := c.publisher(p.address(), 5, 20*time.Millisecond)
	publisher.Run(t)
	for range 2 {
		time.Sleep(pause / 5)
		if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		time.Sleep(pause)
		if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(pause / 5)
	publisher.Stop()
	c.verify()
	stayed := 0
	for _, one := range c.clients {
		if one.Connects() == 1 {
			stayed++
		} else {
			t.Logf("a connection ended: %v", one.Lost())
		}
	}
	t.Logf("%d of %d connections stayed open", stayed, len(c.clients))
	if stayed < len(c.clients) {
		t.Error("want all")
	}
}
