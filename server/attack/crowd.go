//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	crowdSize     = 50 // half of them on websocket, half on EventSource
	crowdInterval = 50 * time.Millisecond
	crowdChannel  = "others"
	// late is the time after which a message that has not arrived is lost.
	late = 5 * time.Second
)

// sight is what the clients that behave well have seen since the sight before.
type sight struct {
	P99      time.Duration
	Messages int // published and accepted
	Missing  int // of their deliveries, those that have not arrived within the time late
	Refused  int // publishes that the server did not accept
	Closed   int // clients that the server closed
	// Noise is the p99 of how late the clients' own timers were: other work on the machine.
	Noise time.Duration
}

// crowd are the clients that behave well, and their backend.
type crowd struct {
	*target

	mu      sync.Mutex
	notes   map[int64]*note // by the time of the publish, which is also the data
	closed  int
	refused int
	delays  []time.Duration // of timers
}

// note is a message.
type note struct {
	accepted bool
	arrived  []time.Duration
}

// runCrowd connects the clients to a server, http://HOST:PORT, and publishes until the input ends.
// It prints a line
// when all have connected, and a sight for each line of the input.
func runCrowd(ctx context.Context, server string, in io.Reader, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	scheme, addr, _ := strings.Cut(server, "://")
	t := &target{addr: addr, secure: scheme == "https", client: newClient()}
	c := &crowd{target: t, notes: make(map[int64]*note)}
	for i := range crowdSize {
		if err := c.join(ctx, i); err != nil {
			return fmt.Errorf("client %d: %w", i, err)
		}
	}
	go c.publishAll(ctx)
	go c.listenToNoise(ctx)
	if _, err := fmt.Fprintln(out, "ready"); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if err := json.NewEncoder(out).Encode(c.look(ctx)); err != nil {
			return err
		}
	}
	return nil
}

func newClient() *http.Client {
	return &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 100, TLSClientConfig: clientTLS("http/1.1")},
	}
}

// join connects one client, which reads until the crowd ends.
func (c *crowd) join(ctx context.Context, i int) error {
	if i%2 == 0 {
		s, _, err := c.connect(ctx, 0,
			fmt.Sprintf(`{"userId":"other%d","channels":[%q]}`, i, crowdChannel))
		if err == nil {
			go c.read(ctx, func() error { return c.readSocket(s) })
		}
		return err
	}
	path := fmt.Sprintf("/sse?userId=other%d&channels=%s", i, crowdChannel)
	conn, r, err := c.stream(ctx, 0, path)
	if err == nil {
		go c.read(ctx, func() error {
			defer conn.Close()
			return c.readStream(r)
		})
	}
	return err
}

func (c *crowd) read(ctx context.Context, all func() error) {
	if err := all(); err != nil && ctx.Err() == nil {
		c.mu.Lock()
		c.closed++
		c.mu.Unlock()
	}
}

func (c *crowd) readSocket(s *socket) error {
	defer s.Close()
	for {
		text, err := s.await("42")
		if err != nil {
			return err
		}
		c.arrive(text)
	}
}

func (c *crowd) readStream(r *bufio.Reader) error {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		c.arrive(line)
	}
}

var stamp = regexp.MustCompile(`"at":(\d+)`)

// arrive notes the arrival of a message.
func (c *crowd) arrive(text string) {
	match := stamp.FindStringSubmatch(text)
	if match == nil {
		return
	}
	at, _ := strconv.ParseInt(match[1], 10, 64)
	took := time.Since(time.Unix(0, at))
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.notes[at]; n != nil {
		n.arrived = append(n.arrived, took)
	}
}

// listenToNoise notes how late timers of this process are. After a stall it notes those that were
// due during it too, as messages are published during it too.
func (c *crowd) listenToNoise(ctx context.Context) {
	const interval = 5 * time.Millisecond
	for due := time.Now(); ctx.Err() == nil; due = due.Add(interval) {
		wait(ctx, time.Until(due))
		delay := time.Since(due)
		c.mu.Lock()
		c.delays = append(c.delays, delay)
		c.mu.Unlock()
	}
}

// publishAll publishes at a steady rate, also when the server answers late.
func (c *crowd) publishAll(ctx context.Context) {
	tick := time.NewTicker(crowdInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			go c.publishOne(ctx, now.UnixNano())
		}
	}
}

func (c *crowd) publishOne(ctx context.Context, at int64) {
	c.mu.Lock()
	c.notes[at] = &note{}
	c.mu.Unlock()
	r, err := c.publish(ctx, crowdChannel, fmt.Sprintf(`{"at":%d}`, at))
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || r.status != http.StatusOK {
		c.refused++
		delete(c.notes, at)
		return
	}
	if n := c.notes[at]; n != nil {
		n.accepted = true
	}
}

// look returns what the clients have seen, and starts a new sight. It waits until every message
// that was published before has arrived, or is late.
func (c *crowd) look(ctx context.Context) sight {
	now := time.Now()
	for deadline := now.Add(late); !c.complete(now) && time.Now().Before(deadline); {
		wait(ctx, 10*time.Millisecond)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := sight{Refused: c.refused, Closed: c.closed, Noise: p99(c.delays)}
	c.refused, c.delays = 0, nil
	var times []time.Duration
	for at, n := range c.notes {
		if at >= now.UnixNano() {
			continue
		}
		delete(c.notes, at)
		times = append(times, n.arrived...)
		if n.accepted {
			s.Messages++
			missing := max(0, crowdSize-c.closed-len(n.arrived))
			s.Missing += missing
			times = append(times, slices.Repeat([]time.Duration{late}, missing)...)
		}
	}
	s.P99 = p99(times)
	return s
}

func p99(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[(len(times)-1)*99/100]
}

// complete reports whether every message that was published before has arrived at all clients.
func (c *crowd) complete(before time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for at, n := range c.notes {
		if at < before.UnixNano() && (!n.accepted || len(n.arrived) < crowdSize-c.closed) {
			return false
		}
	}
	return true
}
