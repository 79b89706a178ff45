// Package client has clients and publishers for tests of faults: they go on after every loss, and
// write down in an oracle.Book what they sent and received.
package client

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest/oracle"
)

// Type is the type of the notifications that a Publisher sends and that clients write down.
const Type = "n"

// Transport is how a client connects.
type Transport string

// The transports.
const (
	EventSource Transport = "eventsource"
	WebSocket   Transport = "websocket" // Socket.IO
	Polling     Transport = "polling"   // Socket.IO
	Upgrade     Transport = "upgrade"   // Socket.IO that begins with polling
)

// Transports lists those that use one connection.
var Transports = []Transport{EventSource, WebSocket}

// AllTransports lists also those that use a connection for each request.
var AllTransports = append(Transports[:2:2], Polling, Upgrade)

// Record is where a client writes down what it receives; see oracle.Reader.
type Record interface {
	Start(id string)
	See(key, id string)
	Gap(from, to string, channels ...string)
	Fault(text string)
}

// Options describe a client.
type Options struct {
	Base      string // host:port of the server, or of a proxy in front of it
	Transport Transport
	User      string
	Channels  []string
	// Pause is the least time from a loss to the next attempt, and half of the most.
	Pause time.Duration
	// Stock makes the pauses those of stock clients: an EventSource waits as long as the server has
	// said, socket.io-client for 1 s, twice as long after each failure, at most 5 s, and half of that
	// more or less at random.
	Stock bool
	// Target replaces Base with an address that may change. While it is empty the client waits.
	Target func() string `json:"-"`
	// Silence is how long a connection may bring nothing before the client gives it up. 0 is for
	// ever. The server sends heartbeats and pings.
	Silence time.Duration
	// Dial opens connections. nil: TCP to Base.
	Dial Dial `json:"-"`
}

// Dial opens a connection to the server.
type Dial func(context.Context) (net.Conn, error)

// Client keeps one connection, and resumes after each loss with the last id that it received. It
// has one goroutine.
type Client struct {
	o      Options
	reader Record
	stop   context.CancelFunc
	done   chan struct{}

	connects  atomic.Int64
	recovered atomic.Int64
	lost      atomic.Value // the last error, for Lost

	mu    sync.Mutex
	since time.Time       // of the loss; zero while the client is connected, and before it ever was
	away  []time.Duration // from each loss to the next event `connected`

	// Only the client's goroutine uses these.
	last     string        // id
	pid, sid string        // of Socket.IO
	resumed  bool          // the connection has the pid of the one before
	retry    time.Duration // that a stream has been told
	failures int           // since the last event `connected`
}

// Start starts a client, which ends at the end of the test or by Stop. It writes down in the reader
// the notifications of type Type by the first word of their data.
func Start(t testing.TB, o Options, reader Record) *Client {
	c := start(o, reader)
	t.Cleanup(c.Stop)
	return c
}

func start(o Options, reader Record) *Client {
	ctx, stop := context.WithCancel(context.Background())
	c := &Client{o: o, reader: reader, stop: stop, done: make(chan struct{})}
	go c.run(ctx)
	return c
}

// Stop ends the client and waits until it has ended.
func (c *Client) Stop() {
	c.stop()
	<-c.done
}

// Transport returns that of the options.
func (c *Client) Transport() Transport { return c.o.Transport }

// Connects returns how often the client has got the event `connected`.
func (c *Client) Connects() int { return int(c.connects.Load()) }

// Recovered returns how often Socket.IO has recovered the session, as socket.io-client finds it: the
// server has answered with the same pid.
func (c *Client) Recovered() int { return int(c.recovered.Load()) }

// Lost returns the error that ended the last connection, or nil.
func (c *Client) Lost() error {
	err, _ := c.lost.Load().(lostError)
	return err.error
}

// lostError gives atomic.Value one type for all errors.
type lostError struct{ error }

func (c *Client) run(ctx context.Context) {
	defer close(c.done)
	connect := map[Transport]func(context.Context, net.Conn) error{
		EventSource: c.stream, WebSocket: c.socket, Polling: c.poll, Upgrade: c.poll,
	}[c.o.Transport]
	for ctx.Err() == nil {
		c.lost.Store(lostError{c.once(ctx, connect)})
		c.leave()
		Sleep(ctx, c.pause())
		for c.o.Target != nil && c.o.Target() == "" && ctx.Err() == nil {
			Sleep(ctx, targetPoll)
		}
	}
}

// pause returns the time to the next attempt.
func (c *Client) pause() time.Duration {
	c.failures++
	switch {
	case c.o.Target != nil && c.o.Target() == "":
		c.failures, c.retry = 0, 0 // there is nothing to try
		return 0
	case !c.o.Stock:
		return c.o.Pause + rand.N(c.o.Pause+1)
	case c.o.Transport == EventSource:
		return cmp.Or(c.retry, stockRetry)
	}
	delay := min(stockDelay<<min(c.failures-1, 10), stockMaxDelay)
	return min(delay/2+rand.N(delay), stockMaxDelay)
}

// The pauses of stock clients, and between two looks for a target.
const (
	stockRetry    = 3 * time.Second // of a browser's EventSource
	stockDelay    = time.Second
	stockMaxDelay = 5 * time.Second
	targetPoll    = 100 * time.Millisecond
)

// Sleep returns after d, or when ctx ends.
func Sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// once opens one connection and reads until it ends.
func (c *Client) once(ctx context.Context, read func(context.Context, net.Conn) error) error {
	c.resumed = false
	conn, err := c.o.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if c.o.Silence > 0 {
		conn = &impatient{conn, c.o.Silence}
	}
	return read(ctx, conn)
}

// event is an event of either transport. Its data is JSON.
type event struct {
	name, id string
	data     []byte
}

var errEnded = errors.New("the server ended the connection")

// take writes an event down.
func (c *Client) take(ev event) error {
	if ev.id != "" {
		c.last = ev.id
	}
	switch ev.name {
	case "connected":
		c.connects.Add(1)
		c.failures = 0
		c.back()
		c.reader.Start(ev.id)
	case "gap":
		if c.resumed {
			c.reader.Fault(oracle.GapAfterRecovered)
		}
		var gap struct {
			From, To string
			Rooms    []string
		}
		if err := decode(ev.data, &gap); err != nil {
			return err
		}
		c.reader.Gap(gap.From, gap.To, gap.Rooms...)
	case Type:
		var n struct{ ID, Data string }
		if err := decode(ev.data, &n); err != nil {
			return err
		}
		key, _, _ := strings.Cut(n.Data, " ")
		c.reader.See(key, ev.id)
	case "disconnected", "overloaded":
		return errEnded
	}
	return nil
}
