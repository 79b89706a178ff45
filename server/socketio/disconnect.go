package socketio

import "sync"

// leave answers a DISCONNECT of the client: it leaves one namespace. What follows waits until the applications are told,
// so that a CONNECT to the same namespace starts clean.
func (c *client) leave(p *packet) {
	conn := c.conn(p.namespace)
	if conn == nil {
		c.end("DISCONNECT of a namespace that the client is not in")
		return
	}
	conn.endFor(ReasonClientLeft)
	conn.finish(ReasonClientLeft)
	// A client that comes and goes keeps one session, not one for each time.
	c.mu.Lock()
	earlier := c.lastLeft
	c.lastLeft = conn.pid
	c.mu.Unlock()
	if earlier != "" && earlier != conn.pid {
		c.srv.hub.ForgetSession(pidKey(earlier))
	}
}

// detach takes the member out of the Hub; its session stays for a while. From then on the Conn is in the table of those
// that end, until it has ended: its id is not given to another connection before its handlers are through.
func (c *Conn) detach() {
	c.client.mu.Lock()
	if !c.over {
		c.client.srv.ending.add(c)
	}
	c.client.mu.Unlock()
	c.member.Detach()
}

// finish ends the Conn, once. It runs in the worker, behind the client's packets, so no handler of the Conn runs
// meanwhile. The reason that was noted first counts.
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

// done is closed when the applications were told that the Conn has ended.
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

// ending are the Conns that are in the Hub no more and have not ended yet, by namespace and client id.
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
