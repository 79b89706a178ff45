package library

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	c := &nodeClient{base: base, user: user, changed: make(chan struct{}), conns: map[net.Conn]struct{}{}}
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

func (c *nodeClient) url(scheme, transport, query string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sid != "" {
		query += "&sid=" + c.sid
	}
	return scheme + "://" + c.base + "/socket.io/?EIO=4&transport=" + transport + query
}

var shownHeader = http.Header{"X-Shown": {"yes"}}

func (c *nodeClient) open(transport, query string) error {
	c.change(func() { c.transport = transport })
	if transport == "websocket" {
		if err := c.dial(c.url("ws", "websocket", query)); err != nil {
			return err
		}
		return c.until(func() bool { return c.sid != "" })
	}
	payload, err := c.request("GET", c.url("http", "polling", query), "")
	if err != nil {
		return err
	}
	c.take(payload)
	c.polled.Go(c.poll)
	return nil
}

func (c *nodeClient) dialTCP(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		c.change(func() { c.conns[conn] = struct{}{} })
	}
	return conn, err
}

// dial opens a WebSocket and starts to read its packets.
func (c *nodeClient) dial(url string) error {
	dialer := websocket.Dialer{NetDialContext: c.dialTCP, HandshakeTimeout: servertest.Patience}
	ws, res, err := dialer.Dial(url, shownHeader)
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	c.change(func() { c.ws = ws })
	go func() {
		for {
			_, message, err := ws.ReadMessage()
			if err != nil {
				c.change(func() { c.closed = c.closed || c.transport == "websocket" })
				return
			}
			c.take(string(message))
		}
	}()
	return nil
}

func (c *nodeClient) poll() {
	for {
		c.mu.Lock()
		over := c.closed || c.paused
		c.mu.Unlock()
		if over {
			return
		}
		payload, err := c.request("GET", c.url("http", "polling", ""), "")
		if err != nil {
			c.change(func() { c.closed = true })
			return
		}
		c.take(payload)
	}
}

func (c *nodeClient) request(method, url, body string) (string, error) {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header = shownHeader.Clone()
	res, err := c.http.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(res.Status + " " + string(text))
	}
	return string(text), err
}

// take reads the packets of one message of the transport.
func (c *nodeClient) take(payload string) {
	pinged := false
	c.change(func() {
		for packet := range strings.SplitSeq(payload, "\x1e") {
			switch {
			case strings.HasPrefix(packet, "0"):
				var open struct{ Sid string }
				_ = json.Unmarshal([]byte(packet[1:]), &open)
				c.sid = open.Sid
			case strings.HasPrefix(packet, "4"):
				c.unread = append(c.unread, packet[1:])
			case packet == "3probe":
				c.probed = true
			case packet == "2":
				pinged = !c.muted
			case packet == "1":
				c.closed = true
			}
		}
	})
	if pinged {
		_ = c.write("3")
	}
}

// write sends one Engine.IO packet. It ignores the error of a POST, because the server may close
// the session first.
func (c *nodeClient) write(packet string) error {
	c.posting.Lock()
	defer c.posting.Unlock()
	c.mu.Lock()
	ws, transport := c.ws, c.transport
	c.mu.Unlock()
	if transport == "websocket" {
		return ws.WriteMessage(websocket.TextMessage, []byte(packet))
	}
	_, _ = c.request("POST", c.url("http", "polling", ""), packet)
	return nil
}

func (c *nodeClient) probe() error {
	if err := c.dial(c.url("ws", "websocket", "")); err != nil {
		return err
	}
	if err := c.ws.WriteMessage(websocket.TextMessage, []byte("2probe")); err != nil {
		return err
	}
	return c.until(func() bool { return c.probed })
}

func (c *nodeClient) upgrade() error {
	if err := c.probe(); err != nil {
		return err
	}
	c.change(func() { c.paused = true })
	c.polled.Wait() // the server answers the pending GET
	c.posting.Lock()
	defer c.posting.Unlock()
	c.change(func() { c.transport = "websocket" })
	return c.ws.WriteMessage(websocket.TextMessage, []byte("5"))
}

// close closes the connection as a page does when the user leaves it.
func (c *nodeClient) close() error {
	if c.isPolling() {
		if err := c.write("1"); err != nil {
			return err
		}
	}
	if c.ws == nil {
		return nil
	}
	err := c.ws.WriteControl(websocket.CloseMessage,
		websocket.FormatCloseMessage(websocket.CloseNoStatusReceived, ""), time.Now().Add(servertest.Patience))
	if errors.Is(err, websocket.ErrCloseSent) { // the server closed first, and the reader has answered
		return nil
	}
	return err
}

// cut resets the connections, as a network failure does.
func (c *nodeClient) cut() {
	c.change(func() {
		c.closed = true
		for conn := range c.conns {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	})
}

// drop frees the client's resources at the end of a test.
func (c *nodeClient) drop() {
	c.change(func() {
		c.closed = true
		for conn := range c.conns {
			_ = conn.Close()
		}
	})
	c.polled.Wait()
}

func (c *nodeClient) isPolling() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.transport == "polling" && !c.closed
}

// pollCounter counts the GETs that the server has not answered yet.
type pollCounter struct{ n atomic.Int64 }

func (p *pollCounter) held() int { return int(p.n.Load()) }

func (p *pollCounter) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Query().Get("transport") == "polling" {
			p.n.Add(1)
			defer p.n.Add(-1)
		}
		next.ServeHTTP(w, r)
	})
}
