package socketio

import (
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/edge"
)

// Close disconnects the client from the namespace, as socket.disconnect() of a Node server does:
// the client gets all packets sent before, then a DISCONNECT, and does not reconnect on its own.
// Its session ends.
func (c *Conn) Close() { c.close(ReasonServerClosed) }

// CloseTransport calls Close in all namespaces of the client and then closes the connection. In an
// OnConnect function it takes effect after the answer to CONNECT: without a DISCONNECT the client
// would reconnect.
func (c *Conn) CloseTransport() {
	c.client.mu.Lock()
	later := c.state == connecting
	c.closing = c.closing || later
	c.client.mu.Unlock()
	if !later {
		c.client.closeAll(ReasonServerClosed)
	}
}

// Drop closes the client's connection like a network failure: the client gets no DISCONNECT,
// reconnects and recovers its session. Handlers see ReasonForcedClose.
func (c *Conn) Drop() { c.client.end("dropped by a handler") }

func (c *Conn) close(reason string) {
	if !c.endFor(reason) {
		return
	}
	c.abandonAsks()
	c.member.Void()
	packet := appendHeader(nil, kindDisconnect, 0, c.namespace, nil)
	c.client.send(reply{frame: c.client.srv.newFrame(packet), conn: c})
	c.client.later(func() { c.finish(reason) })
	if !c.isConnecting() {
		c.detach() // what was sent before the DISCONNECT is still written
	}
}

// ordered ends the connection for the API.
func (c *Conn) ordered(cause string) {
	c.client.srv.log.Debug("disconnect ordered", zap.String("client", c.ID()),
		zap.String("namespace", c.namespace), zap.String("reason", edge.LogValue(cause)))
	c.client.closeAll(cause)
}

// closeAll disconnects the client from all namespaces and closes the connection, for the server or
// the API. A client that waits for the answer to a CONNECT gets none and reconnects; its next
// CONNECT is decided again.
func (c *client) closeAll(cause string) {
	for _, conn := range c.all() {
		conn.member.Void()
		conn.close(ReasonServerClosed)
	}
	c.end(cause)
}

// endFor sets the reason of the end. It reports false if there is a reason already.
func (c *Conn) endFor(reason string) bool {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	if c.reason != "" || c.state == ended {
		return false
	}
	c.reason = reason
	return true
}

func (c *Conn) hasEnded() bool {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	return c.reason != "" || c.client.closed
}

// hasLeft reports whether the client or the server has ended the Conn. A closed transport does not
// count: the worker still handles the packets that arrived before.
func (c *Conn) hasLeft() bool {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	return c.reason != ""
}

func (c *Conn) isClosing() bool {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	return c.closing
}
