package socketio

import (
	"context"
	"slices"
)

const (
	// maxUnhandled is how many packets of one client can wait for handlers. The reader blocks at
	// this number.
	maxUnhandled = 64
	// maxUnhandledAsked replaces maxUnhandled while the server waits for an acknowledgement of the
	// client.
	maxUnhandledAsked = 1024
	// maxLater is how many functions of later can wait for the handlers of one client.
	maxLater = 1024
	// maxUnread is how many bytes of all clients can wait for handlers. Above it the reader of a
	// client that has more than fairUnread waiting blocks. Its own worker wakes it.
	maxUnread  = 64 << 20
	fairUnread = 64 << 10
)

// task is a packet to handle or a function to run in the order of the packets.
type task struct {
	packet  *packet
	run     func()
	answers bool // run is the function of an ask
	size    int  // bytes of the client that the task holds
}

// Message takes one message from the transport. It blocks while too many packets wait for handlers,
// which is the back-pressure against a flood. Acknowledgements do not wait in the inbox, because a
// handler may wait for one.
func (c *client) Message(data []byte, binary bool) {
	p, err := c.decode(data, binary)
	if err != nil {
		c.end("malformed packet: " + err.Error())
		return
	}
	if p == nil {
		return
	}
	c.noteTransport()
	if p.isAck() {
		if c.acknowledge(p) {
			c.session.Refund(1 + p.attachments)
		} else {
			c.allow(p) // nobody asked, so it costs what an event costs
		}
		return
	}
	if !c.allow(p) {
		return
	}
	if p.kind == kindDisconnect {
		c.noteLeaving(p.namespace)
	}
	c.enqueue(p)
}

// decode takes one message of the transport and returns the packet that it completes, or nil.
func (c *client) decode(data []byte, binary bool) (*packet, error) {
	o := &c.srv.opts
	if o.Parser == ParserMsgpack {
		return decodeMsgpack(data, binary, o.MaxPayload, o.packetLimits())
	}
	return c.assembling.add(data, binary, o.MaxPayload, o.packetLimits())
}

// noteLeaving handles the arrival of a DISCONNECT before the worker does: the client sends no
// acknowledgement after it.
func (c *client) noteLeaving(namespace string) {
	if conn := c.conn(namespace); conn != nil {
		c.mu.Lock()
		conn.leaving = true
		c.mu.Unlock()
		conn.abandonAsks()
	}
}

// full reports whether the inbox has reached its limit in packets or bytes. The limit in packets is
// higher while the server waits for an acknowledgement: the client may have sent many events before
// it, and these may wait for the handler that asks.
func (c *client) full() bool {
	most := maxUnhandled
	for _, conn := range c.conns {
		if len(conn.asks) > 0 {
			most = maxUnhandledAsked
		}
	}
	return len(c.inbox) >= most || c.large()
}

// large reports whether the inbox has reached its limit in bytes.
func (c *client) large() bool {
	return c.unread > c.srv.opts.MaxPayload ||
		c.unread > fairUnread && c.srv.unread.Load() > maxUnread
}

func (c *client) enqueue(p *packet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.waitWhile(c.full) || c.closed {
		return
	}
	c.push(task{packet: p, size: p.size})
}

// push appends to the inbox. The caller holds the lock.
func (c *client) push(t task) {
	c.inbox = append(c.inbox, t)
	c.count(t, 1)
	c.startWork()
}

// count adds n times a task to what waits. The caller holds the lock.
func (c *client) count(t task, n int) {
	switch {
	case t.answers:
		c.answers += n
	case t.run != nil:
		c.calls += n
	}
	c.unread += n * t.size
	c.srv.unread.Add(int64(n * t.size))
}

// waitWhile waits in the reader until the condition is false, or returns false when the session has
// ended before. The caller holds the lock.
func (c *client) waitWhile(condition func() bool) bool {
	if !condition() {
		return true
	}
	stop := context.AfterFunc(c.session.Context(), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.space.Broadcast()
	})
	defer stop()
	for condition() {
		if c.session.Context().Err() != nil {
			return false
		}
		c.space.Wait()
	}
	return true
}

// later adds f to the worker's tasks. When maxLater functions wait, it closes the client; while that
// many wait for a client that is closed, it drops f.
func (c *client) later(f func()) {
	c.mu.Lock()
	full := c.calls >= maxLater
	closed := full && c.session.Closed()
	if !closed {
		c.push(task{run: f})
	}
	c.mu.Unlock()
	if full && !closed {
		c.abort("too many functions wait for the handlers")
	}
}

// answer adds the call of an ask's function to the worker's tasks. maxAsks bounds their number. The
// reader cannot wait for space, because a handler may wait for an acknowledgement behind this one, so
// an answer for which there is no space is replaced by an error.
func (c *client) answer(f func(Answer, error), a Answer, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && c.large() {
		a, err = Answer{}, ErrTooManyAnswers
	}
	c.push(task{run: func() { f(a, err) }, answers: true, size: a.Size()})
}

// startWork starts the worker if it is not running. The caller holds the lock.
func (c *client) startWork() {
	if !c.working {
		c.working = true
		c.srv.workers.Go(c.work)
	}
}

// work runs tasks until none is left. The end of the session comes after the packets that arrived
// before it.
func (c *client) work() {
	for {
		t, more := c.nextTask()
		switch {
		case !more:
			return
		case t.packet != nil:
			c.handle(t.packet)
		default:
			c.do(t.run)
		}
	}
}

// nextTask removes and returns the next task. It ends the worker if there is none.
func (c *client) nextTask() (t task, more bool) {
	c.mu.Lock()
	for c.replies.bytes > maxOwnBytes && !c.closed {
		c.space.Wait()
	}
	if len(c.inbox) > 0 {
		t = c.inbox[0]
		c.inbox[0] = task{}
		c.inbox = c.inbox[1:]
		c.count(t, -1)
		c.space.Broadcast()
		c.mu.Unlock()
		return t, true
	}
	c.inbox = nil // an idle client keeps no array
	if !c.closed || len(c.conns) == 0 {
		c.working = false
		c.space.Broadcast() // the reader may wait for the answers to all CONNECTs
		c.mu.Unlock()
		return task{}, false
	}
	conns, reason := slices.Clone(c.conns), c.reason
	c.mu.Unlock()
	return task{run: func() {
		for _, conn := range conns {
			conn.finish(reason)
		}
	}}, true
}

// do runs f. A panic is logged and counted, and closes this connection.
func (c *client) do(f func()) {
	defer c.srv.recovered("handler", func() { c.end("handler panic") })
	f()
}

func (c *client) handle(p *packet) {
	c.do(func() {
		switch p.kind {
		case kindConnect:
			c.connect(p)
		case kindDisconnect:
			c.leave(p)
		default:
			c.dispatch(p)
		}
	})
}
