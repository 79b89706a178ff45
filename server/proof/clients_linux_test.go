package proof

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest/client"
	"github.com/roomcast/roomcast/server/servertest/oracle"
)

const channel = "orders"

// timed is a Ledger and a Record that also keeps the time from the request of a publisher to each
// delivery, which contains the time that a client was away.
type timed struct {
	*oracle.Book
	mu    sync.Mutex
	sent  map[string]time.Time
	taken []time.Duration
}

func newTimed() *timed { return &timed{Book: oracle.NewBook(), sent: map[string]time.Time{}} }

func (b *timed) Try(key, channel string) {
	b.Book.Try(key, channel)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent[key] = time.Now()
}

func (b *timed) seen(key string, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken = append(b.taken, at.Sub(b.sent[key]))
}

// reader is the record of one client.
type reader struct {
	*oracle.Reader
	book *timed
}

func (r reader) See(key, id string) {
	r.book.seen(key, time.Now())
	r.Reader.See(key, id)
}

// link is the network of one client: it is cut after a time, and away for a time.
type link struct {
	address    *atomic.Value // host:port of the server that runs
	life, away time.Duration // means; life 0: it is never cut

	mu    sync.Mutex
	until time.Time // the network is away
}

// dial waits for the network.
func (l *link) dial(ctx context.Context) (net.Conn, error) {
	l.mu.Lock()
	until := l.until
	l.mu.Unlock()
	client.Sleep(ctx, time.Until(until))
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", l.address.Load().(string))
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.life > 0 {
		time.AfterFunc(around(l.life), func() {
			l.mu.Lock()
			l.until = time.Now().Add(around(l.away))
			l.mu.Unlock()
			conn.Close()
		})
	}
	return conn, nil
}

// around is between half of d and d and a half.
func around(d time.Duration) time.Duration { return d/2 + rand.N(d+1) }

// crowd is all clients of a workload.
type crowd struct {
	book  *timed
	own   []*client.Client
	links []*link
	node  *nodeClients
}

func newCrowd(t testing.TB, n int, life, away time.Duration, address *atomic.Value) *crowd {
	c := &crowd{book: newTimed()}
	for i := range n {
		l := &link{address: address, life: life, away: away}
		name := fmt.Sprintf("c%d", i)
		c.links = append(c.links, l)
		c.own = append(c.own, client.Start(t, client.Options{Base: "127.0.0.1", Dial: l.dial,
			Transport: transportOf(i), User: name, Channels: []string{channel}, Stock: true},
			reader{c.book.Reader(name, channel), c.book}))
		if i%20 == 19 {
			time.Sleep(10 * time.Millisecond) // they are there before the workload begins
		}
	}
	return c
}

// transportOf returns the transport of a client of a crowd: every other one is an EventSource.
func transportOf(i int) client.Transport { return client.Transports[i%2] }

// nodeClients are the real libraries, in another process.
type nodeClients struct {
	mu        sync.Mutex
	connects  []int
	again     int // connects of socket.io-client after the first
	recovered int
}

// line is what one of them received.
type line struct {
	N                  int
	Connect, Recovered bool
	Start, Key, ID     string
	Gap                *struct {
		From, To string
		Rooms    []string
	}
	At int64 // Unix, milliseconds
}

// startNode starts n of them.
func startNode(t testing.TB, c *crowd, n int, address string) {
	t.Helper()
	cmd := exec.Command("node", "proof.mjs", "http://"+address, fmt.Sprint(n))
	cmd.Dir = "../../web/e2e"
	in, err := cmd.StdinPipe()
	check(t, err)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	c.node = &nodeClients{connects: make([]int, n)}
	var readers []*oracle.Reader
	for i := range n {
		readers = append(readers, c.book.Reader(fmt.Sprintf("node-%d", i), channel))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var l line
			if json.Unmarshal(lines.Bytes(), &l) == nil {
				c.take(l, readers[l.N])
			}
		}
	}()
	t.Cleanup(func() {
		in.Close()
		<-done
		_ = cmd.Wait()
	})
}

func (c *crowd) take(l line, r *oracle.Reader) {
	switch {
	case l.Gap != nil:
		r.Gap(l.Gap.From, l.Gap.To, l.Gap.Rooms...)
	case l.Start != "":
		r.Start(l.Start)
	case l.Key != "":
		c.book.seen(l.Key, time.UnixMilli(l.At))
		r.See(l.Key, l.ID)
	case l.Connect:
		c.node.mu.Lock()
		defer c.node.mu.Unlock()
		if c.node.connects[l.N]++; l.N%2 == 0 && c.node.connects[l.N] > 1 {
			c.node.again++
			if l.Recovered {
				c.node.recovered++
			}
		}
	}
}

// connected returns how many clients have connected at least n times.
func (c *crowd) connected(n int) (count int) {
	for _, one := range c.own {
		if one.Connects() >= n {
			count++
		}
	}
	if c.node != nil {
		c.node.mu.Lock()
		defer c.node.mu.Unlock()
		for _, connects := range c.node.connects {
			if connects >= n {
				count++
			}
		}
	}
	return count
}

func (c *crowd) size() int {
	if c.node == nil {
		return len(c.own)
	}
	return len(c.own) + len(c.node.connects)
}

// await waits until all have connected n times.
func (c *crowd) await(t testing.TB, n int) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); c.connected(n) < c.size(); {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d clients have connected %d times", c.connected(n), c.size(), n)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// calm ends the cuts.
func (c *crowd) calm() {
	for _, l := range c.links {
		l.mu.Lock()
		l.life = 0
		l.mu.Unlock()
	}
}
