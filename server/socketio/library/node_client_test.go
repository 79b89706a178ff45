package library

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/server/servertest"
)

var errClientClosed = errors.New("the server has closed the connection")

// nodeClient speaks Engine.IO v4 in plain text, over WebSocket or polling. It is the Go version of
// client.mjs in testdata/node.
type nodeClient struct {
	base string // host:port
	user string
	id   string // the socket id in "/"
	http *http.Client

	posting sync.Mutex
	polled  sync.WaitGroup

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced when a field below changes
	transport string
	sid       string
	ws        *websocket.Conn
	conns     map[net.Conn]struct{}
	muted     bool // it does not answer pings
	paused    bool // it sends no more GETs
	probed    bool
	closed    bool
	unread    []string // Socket.IO packets that no step has read yet
	read      []string
}

func newNodeClient(base, user string) *nodeClient {
	c := &nodeClient{base: base, user: user, changed: make(chan struct{}),
		conns: map[net.Conn]struct{}{}}
	c.http = &http.Client{Transport: &http.Transport{DialContext: c.dialTCP}, Timeout: time.Minute}
	return c
}

func (c *nodeClient) act(op, rest string) error {
	switch op {
	case "open":
		transport, query, _ := strings.Cut(rest, " ")
		return c.open(transport, query)
	case "send":
		return c.write("4" + rest)
	case "write":
		return c.write(rest)
	case "expect":
		_, err := c.expect(func(packet string) bool { return strings.HasPrefix(packet, rest) })
		return err
	case "answer":
		event, args, _ := strings.Cut(rest, " ")
		question := regexp.MustCompile(`^2([0-9]+)\["` + event + `"`)
		packet, err := c.expect(question.MatchString)
		if err != nil {
			return err
		}
		return c.write("43" + question.FindStringSubmatch(packet)[1] + args)
	case "probe":
		return c.probe()
	case "upgrade":
		return c.upgrade()
	case "mute":
		c.change(func() { c.muted = true })
		return nil
	case "close":
		return c.close()
	case "cut":
		c.cut()
		return nil
	}
	return fmt.Errorf("unknown step %q", op)
}

// change changes the state and wakes the goroutines in until.
func (c *nodeClient) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}

// until waits for a condition. It calls done with the lock held.
func (c *nodeClient) until(done func() bool) error {
	deadline := time.NewTimer(servertest.Patience)
	defer deadline.Stop()
	for {
		c.mu.Lock()
		if done() {
			c.mu.Unlock()
			return nil
		}
		if c.closed {
			defer c.mu.Unlock()
			return fmt.Errorf("%w with %q", errClientClosed, c.unread)
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-deadline.C:
			c.mu.Lock()
			defer c.mu.Unlock()
			return fmt.Errorf("timed out with %q", c.unread)
		}
	}
}

// expect reads packets up to the first one that matches.
func (c *nodeClient) expect(matches func(string) bool) (packet string, err error) {
	err = c.until(func() bool {
		i := slices.IndexFunc(c.unread, matches)
		if i < 0 {
			return false
		}
		packet = c.unread[i]
		c.read, c.unread = append(c.read, c.unread[:i+1]...), c.unread[i+1:]
		return true
	})
	if connect, found := strings.CutPrefix(packet, `0{`); found {
		var reply struct{ Sid string }
		_ = json.Unmarshal([]byte("{"+connect), &reply)
		c.id = reply.Sid
	}
	return packet, err
}

var (
	trailingID = regexp.MustCompile(`,"[0-9a-f]{8}-[0-9]+"\]$`)
	connectIDs = regexp.MustCompile(`"sid":"[^"]*"(,"pid":"[^"]*")?`)
	askNumber  = regexp.MustCompile(`^2[0-9]+(\[")`)
)

// packets returns the packets that steps have read, without the parts that a Node server does not
// send.
func (c *nodeClient) packets() (packets []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, packet := range c.read {
		if strings.HasPrefix(packet, `2["connected",`) {
			continue
		}
		packet = trailingID.ReplaceAllString(packet, "]")
		packet = connectIDs.ReplaceAllString(packet, `"sid":*`)
		packets = append(packets, askNumber.ReplaceAllString(packet, "2N$1"))
	}
	return packets
}
