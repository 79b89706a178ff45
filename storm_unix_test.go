//go:build unix

package main

import (
	"maps"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/client"
)

// The process is killed while every client misses 100 notifications. All clients connect at once to
// the next process, with the pauses of stock clients after a refusal, and catch up without a gap,
// while backends publish. In make soak, 5,000 of them have everything within 10 s, and 99 % of the
// publishes take less than 250 ms.
func TestStormAfterKill(t *testing.T) {
	each := 2500
	settings := maps.Clone(faultSettings())
	settings["DATA_DIR"], settings["HANDSHAKE_RATE"] = t.TempDir(), "0"
	if !servertest.Soaking() { // whose figures need the machine alone
		t.Parallel()
		each = 60
	}
	p := startChild(t, 20_000, settings)
	c := stockCrowd(t, each)
	c.aim(p.address())
	c.awaitConnects(1)
	kill := func() {
		c.aim("")
		p.kill(t)
	}
	kill()
	p = startChild(t, 1000, settings)
	missed := c.publisher(p.address(), 10, 0)
	for range 10 {
		missed.Publish()
	}
	kill()

	delete(settings, "HANDSHAKE_RATE")
	if !servertest.Soaking() {
		settings["HANDSHAKE_RATE"] = "40" // so that the gate refuses some
	}
	p = startChild(t, 20_000, settings)
	stop := client.PublishElsewhere(t, client.PublisherOptions{Base: p.address(), Key: testKey,
		Name: "other", Channel: "others", Every: 10 * time.Millisecond}, c.Book)
	during := c.publisher(p.address(), 1, 500*time.Millisecond)
	during.Name = "during"
	during.Run(t)
	start := time.Now()
	c.aim(p.address())
	c.awaitConnects(2)
	connected := time.Since(start)
	during.Stop()
	c.verify()
	took, p99 := time.Since(start), stop()
	refused := p.refusedHandshakes()
	kill()
	used := p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	t.Logf("%d clients were back after %v, with everything after %v; p99 of publishes %v; %v "+
		"handshakes refused; %v of a processor", 2*each, connected, took, p99, refused, used)
	if !servertest.Soaking() && refused == 0 {
		t.Error("the gate refused nobody")
	}
	if servertest.Soaking() && (took > 10*time.Second || p99 > 250*time.Millisecond) {
		t.Error("want 10 s and 250 ms")
	}
}

// refusedHandshakes returns how many the gate has refused.
func (c *child) refusedHandshakes() (n float64) {
	series := c.scrape()
	for _, client := range []string{"new", "resumes"} {
		n += series[`roomcast_handshakes_refused_total{client="`+client+`"}`]
	}
	return n
}
