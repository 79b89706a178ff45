package socketio

import (
	"sync"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/engineio"
)

// pulled has the deliveries that the writer has taken from a member and not written yet.
type pulled struct {
	conn *Conn
	buf  [16]notify.Delivery
	i, n int
}

var pulledPool = sync.Pool{New: func() any { return new(pulled) }}

// Pull gives the session's writer the next packets: replies, and the notifications of each
// namespace's member in turn. Events that Go code sent one after the other keep that order, whether
// they are replies or notifications. Pull appends the cursor to the packets that end with one, when
// their place on the wire is known: no client gets a cursor beyond the notifications that it has.
func (c *client) Pull(b *engineio.Batch) (more bool) {
	defer c.srv.recovered("writer", func() { c.session.Close(ReasonForcedClose) })
	for !b.Full() {
		if c.pending != nil {
			c.writePending(b)
			continue
		}
		r, found := c.nextReply()
		switch {
		case found && c.pullFor(r):
		case found:
			c.writeReply(b, r)
		case !c.pullMember():
			return false
		}
	}
	return true
}

// writePending writes the next pulled notification, or the reply that precedes it. A reply of
// another namespace waits until all pulled notifications are written: only then can the writer pull
// the notifications that precede that reply.
func (c *client) writePending(b *engineio.Batch) {
	conn, d := c.pending.conn, c.pending.buf[c.pending.i]
	if r, found := c.nextReply(); found && (r.now || r.conn == nil ||
		r.conn == conn && follows(d, r.after)) {
		c.writeReply(b, r)
		return
	}
	conn.render(b, d)
	switch {
	case d.Message != nil:
		conn.wire = d.Message.ID
	case d.Retained != nil:
		conn.wire = d.Retained.ID
	case d.Gap != nil && d.Gap.Reason == notify.GapEpoch:
		conn.wire = notify.ID{} // what follows may have lower ids
	}
	c.pending.buf[c.pending.i] = notify.Delivery{}
	if c.pending.i++; c.pending.i == c.pending.n {
		pulledPool.Put(c.pending)
		c.pending = nil
	}
}

// follows reports whether a delivery comes after a reply that was queued at a place of the log. A
// retained notification comes after the reply to the event that joined its room.
func follows(d notify.Delivery, place notify.ID) bool {
	switch {
	case d.Message != nil:
		return isAfter(d.Message.ID, place)
	case d.Retained != nil:
		return !isAfter(place, d.Retained.ID)
	}
	return false
}

// isAfter compares two places of the log. The epoch only changes during a connection if the log was
// lost; there is no order to keep then.
func isAfter(id, other notify.ID) bool { return id.Epoch == other.Epoch && id.Seq > other.Seq }

func hasReached(wire, place notify.ID) bool {
	return wire.Epoch == place.Epoch && wire.Seq >= place.Seq
}

// nextReply returns the first reply, which stays queued until writeReply.
func (c *client) nextReply() (reply, bool) {
	if c.waiting.Load() == 0 {
		return reply{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.replies.items) == 0 {
		return reply{}, false
	}
	return c.replies.items[0], true
}

// pullFor pulls notifications that precede r.
func (c *client) pullFor(r reply) bool {
	return !r.now && r.conn != nil && !hasReached(r.conn.wire, r.after) && r.conn.isOpen() &&
		c.pull(r.conn)
}

// writeReply removes the first reply, which is r, and writes it.
func (c *client) writeReply(b *engineio.Batch, r reply) {
	c.mu.Lock()
	c.replies.items[0] = reply{}
	c.replies.items = c.replies.items[1:]
	if len(c.replies.items) == 0 {
		c.replies.items = nil // an idle client keeps no array
	}
	c.waiting.Store(int32(len(c.replies.items)))
	c.replies.count(r, -r.size)
	if c.working && c.replies.bytes <= maxOwnBytes {
		c.space.Broadcast() // the worker may wait for space
	}
	if r.opens {
		r.conn.open = true
	}
	c.mu.Unlock()
	if r.frame != nil {
		b.Frame(r.frame)
		return
	}
	id := r.after
	if !r.now && isAfter(r.conn.wire, id) {
		id = r.conn.wire
	}
	c.srv.writeText(b, r.event, r.conn.trailer(id))
}

// pullMember pulls the next notifications of one namespace, in turn.
func (c *client) pullMember() bool {
	var room [4]*Conn
	c.mu.Lock()
	open := room[:0]
	for _, conn := range c.conns {
		if conn.open {
			open = append(open, conn)
		}
	}
	c.mu.Unlock()
	for i := range open {
		if c.pull(open[(c.turn+i)%len(open)]) {
			c.turn++
			return true
		}
	}
	return false
}

func (c *client) pull(conn *Conn) bool {
	next := pulledPool.Get().(*pulled)
	if next.n, _ = conn.member.Pull(next.buf[:]); next.n == 0 {
		pulledPool.Put(next)
		return false
	}
	next.conn, next.i = conn, 0
	c.pending = next
	return true
}
