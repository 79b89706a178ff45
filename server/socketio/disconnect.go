package socketio

import (
	"sync"

	"github.com/roomcast/roomcast/notify"
)

// leave handles a DISCONNECT: the client leaves one namespace. The client's next packets wait until
// the applications have been called, so a CONNECT to the same namespace starts clean.
func (c *client) leave(p *packet) {
	conn := c.conn(p.namespace)
	if conn == nil {
		c.end("DISCONNECT of a namespace that the client is not in")
		return
	}
	conn.endFor(ReasonClientLeft)
	conn.finish(ReasonClientLeft)
	if c.srv.opts.Plain { // as in Node: only a lost connection is recovered
		c.srv.hub.ForgetSession(notify.PIDKey(conn.pid))
		return
	}
	// A client that connects and disconnects repeatedly keeps one session.
	c.mu.Lock()
	earlier := c.lastLeft
	c.lastLeft = conn.pid
	c.mu.Unlock()
	if earlier != "" && earlier != conn.pid {
		c.srv.hub.ForgetSession(notify.PIDKey(earlier))
	}
}

// detach removes the member from the Hub, which keeps its session for a while.
func (c *Conn) detach() {
	c.noteEnding()
	c.member.Detach()
}

// noteEnding puts the Conn into the table of ending Conns, until it has ended: another connection
// gets its id only after its handlers have returned. Callers call it before they detach the member.
func (c *Conn) noteEnding() {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	if !c.over {
		c.client.srv.ending.add(c)
	}
}

// finish ends the Conn, once. It runs in the worker, so no handler of the Conn runs concurrently.
// The first reason counts.
func (c *Conn) finish(reason string) {
	c.client.mu.Lock()
	if c.state == ended {
		c.client.mu.Unlock()
		return
	}
	c.state = ended
	if c.reason != "" {
		reason = c.reason
	}
	c.reason = reason
	c.takeEarly()
	c.client.mu.Unlock()

	c.detach()
	c.client.remove(c)
	c.abandonAsks()
	for i, app := range c.client.srv.apps {
		if c.apps&(1<<i) != 0 {
			c.client.do(func() { app.Disconnect(c, reason) })
		}
	}
	if c.admitted {
		c.client.admission.leave(c.Identity())
	}
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	c.over = true
	c.client.srv.ending.remove(c)
	if c.waited != nil {
		close(c.waited)
	}
}

// done returns a channel that is closed when Disconnect of every application has returned.
func (c *Conn) done() <-chan struct{} {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	if c.waited == nil {
		c.waited = make(chan struct{})
		if c.over {
			close(c.waited)
		}
	}
	return c.waited
}

// ending has the Conns that have left the Hub and have not ended yet, by namespace and client id.
type ending struct {
	mu  sync.Mutex
	all map[connKey]*Conn
}

type connKey struct{ namespace, id string }

func keyOf(c *Conn) connKey { return connKey{c.namespace, c.ID()} }

func (e *ending) get(namespace, id string) *Conn {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.all[connKey{namespace, id}]
}

func (e *ending) add(c *Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.all == nil {
		e.all = make(map[connKey]*Conn)
	}
	e.all[keyOf(c)] = c
}

func (e *ending) remove(c *Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if key := keyOf(c); e.all[key] == c {
		delete(e.all, key)
	}
}
