package library

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/server/servertest"
)

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
		websocket.FormatCloseMessage(websocket.CloseNoStatusReceived, ""),
		time.Now().Add(servertest.Patience))
	// The server closed first, and the reader has answered.
	if errors.Is(err, websocket.ErrCloseSent) {
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
