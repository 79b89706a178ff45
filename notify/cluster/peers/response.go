package peers

import (
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// late notes that servers that have not answered will not. It reports whether the call is over.
func (p *Peers) late(c *call) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if silent := c.silent(); silent > 0 && c.failed == nil {
		c.failed = &SilentError{silent, c.servers}
	}
	return !c.asksClients || c.clients <= 0
}

func (c *call) silent() int { return len(c.named) + c.unnamed }

// result returns the error of a call that ends.
func (p *Peers) result(c *call, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.calls, c.uid)
	if c.failed != nil {
		return c.failed
	}
	return err
}

// response gives an answer of another server to its call.
func (p *Peers) response(e *nodewire.Entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.calls[e.RequestID]
	if c == nil || c.namespace != e.Namespace || c.isDone {
		return
	}
	size := itemSize + len(e.Packet.JSON)
	for _, a := range e.Packet.Attachments {
		size += len(a)
	}
	switch {
	case e.Type == nodewire.TypeAck && c.asksClients:
		c.clients--
	case (e.Type == nodewire.TypeClientCount) != c.asksClients || c.answered[e.UID]:
		return // the answer to something else, or a second one
	default:
		c.note(e)
	}
	if c.answers++; c.answers > maxCallAnswers || p.answers+size > maxAnswerBytes {
		c.fail(ErrBusy)
		return
	}
	c.bytes += size
	p.answers += size
	c.arrived = append(c.arrived, e)
	select {
	case c.more <- struct{}{}:
	default:
	}
	c.check()
}

// note notes that a server has answered.
func (c *call) note(e *nodewire.Entry) {
	c.answered[e.UID] = true
	if c.named[e.UID] {
		delete(c.named, e.UID)
	} else {
		c.unnamed = max(0, c.unnamed-1)
	}
	c.clients += e.Count
}

// check ends the call when nothing is missing.
func (c *call) check() {
	if (c.silent() == 0 || c.failed != nil) && (!c.asksClients || c.clients <= 0) {
		c.end()
	}
}

func (c *call) fail(err error) {
	c.failed = err
	c.end()
}

func (c *call) end() {
	if !c.isDone {
		c.isDone = true
		close(c.done)
	}
}

// gone ends the wait for a server with adapter 0.2. The caller holds the lock.
func (p *Peers) gone(o old) {
	for _, c := range p.calls {
		if c.namespace == o.namespace && c.named[o.uid] {
			delete(c.named, o.uid)
			c.check()
		}
	}
}
