package main

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/chaos"
	"github.com/roomcast/roomcast/server/servertest/client"
	"github.com/roomcast/roomcast/server/servertest/oracle"
)

// faultSettings are those of servers with many clients on one address and fast publishers.
func faultSettings() map[string]string {
	return map[string]string{"API_KEYS": testKey, "PUBLISH_RATE": "0", "SSE_MAX_CONNECTIONS": "9000",
		"DRAIN_TIMEOUT": "0"}
}

// address returns host:port of the program.
func (p *program) address() string { return strings.TrimPrefix(p.base, "http://") }

// crowd is clients of every transport in one channel, with the book of what they receive.
type crowd struct {
	*oracle.Book
	t       testing.TB
	clients []*client.Client
	target  atomic.Pointer[string]
}

// crowdChannel is the channel of every client of a crowd.
const crowdChannel = "orders"

// newCrowd connects clients of these transports, or of those with one connection, to a server or a
// proxy, each as a user of its own, and waits until all are connected.
func newCrowd(
	t testing.TB, base string, each int, pause time.Duration, transports ...client.Transport,
) *crowd {
	t.Helper()
	c := &crowd{Book: oracle.NewBook(), t: t}
	c.join(base, each, pause, transports...)
	return c
}

// join connects more clients.
func (c *crowd) join(base string, each int, pause time.Duration, transports ...client.Transport) {
	c.t.Helper()
	if len(transports) == 0 {
		transports = client.Transports
	}
	for _, transport := range transports {
		for range each {
			name := fmt.Sprintf("%s-%d", transport, len(c.clients))
			c.clients = append(c.clients, client.Start(c.t, client.Options{Base: base,
				Transport: transport, User: name, Channels: []string{crowdChannel}, Pause: pause},
				c.Reader(name, crowdChannel)))
		}
	}
	c.awaitConnects(1)
}

// stockCrowd is newCrowd with the pauses of stock clients. The clients wait until the test aims them
// at an address.
func stockCrowd(t testing.TB, each int) *crowd {
	t.Helper()
	c := &crowd{Book: oracle.NewBook(), t: t}
	c.aim("")
	for _, transport := range client.Transports {
		for i := range each {
			name := fmt.Sprintf("%s-%d", transport, i)
			c.clients = append(c.clients, client.Start(t, client.Options{
				Target: func() string { return *c.target.Load() }, Stock: true,
				Transport: transport, User: name, Channels: []string{crowdChannel},
			}, c.Reader(name, crowdChannel)))
		}
	}
	return c
}

// aim makes a stockCrowd connect to an address; "" makes those wait that lose their connection.
func (c *crowd) aim(address string) { c.target.Store(&address) }

// awaitConnects waits until every client has connected n times in all.
func (c *crowd) awaitConnects(n int) {
	c.t.Helper()
	servertest.Eventually(c.t, "all clients connect", func() bool {
		for _, one := range c.clients {
			if one.Connects() < n {
				return false
			}
		}
		return true
	})
}

// publisher returns a publisher to the channel of the crowd.
func (c *crowd) publisher(base string, batch int, every time.Duration) *client.Publisher {
	c.t.Helper()
	return client.NewPublisher(c.t, client.PublisherOptions{Base: base, Key: testKey, Name: "m",
		Channel: crowdChannel, Batch: batch, Every: every}, c.Book)
}

// verify checks the book, of which nobody may have a gap, and logs its figures.
func (c *crowd) verify() {
	c.t.Helper()
	report := c.Verify(c.t)
	if report.Gaps > 0 {
		c.t.Errorf("the server kept everything and reports %d gaps", report.Gaps)
	}
	c.t.Log(report)
}

// N06: the network cuts every connection after a short random time, while a publisher goes on. Each
// client resumes each time, and in the end all have everything once and in order.
func TestFlappingNetwork(t *testing.T) {
	t.Parallel()
	each, least, most, lasts := 20, 50*time.Millisecond, 500*time.Millisecond, 3*time.Second
	if servertest.Soaking() {
		each, least, most, lasts = 200, 200*time.Millisecond, 3*time.Second, time.Minute
	}
	p := start(t, faultSettings())
	proxy := chaos.New(t, p.address(), 6)
	c := newCrowd(t, proxy.Addr, each, 10*time.Millisecond)
	proxy.Flap(least, most)
	publisher := c.publisher(p.address(), 5, 25*time.Millisecond)
	publisher.Run(t)
	time.Sleep(lasts)
	publisher.Stop()
	proxy.Flap(0, 0)
	c.verify()
	t.Logf("the proxy cut %d links", proxy.Cuts())
	for _, one := range c.clients {
		if one.Connects() < 2 {
			t.Errorf("a client was never cut: it connected %d times", one.Connects())
		}
	}
	p.end()
}
