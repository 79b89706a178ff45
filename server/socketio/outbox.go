package socketio

import (
	"encoding/json"
	"sync"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/engineio"
)

// maxOwnBytes bounds the replies that wait for one client outside the Hub. An emit with an acknowledgement that does not
// fit closes the client. Answers to the client's own events are limited at their source instead: while more than this waits,
// the worker handles no further event, so a client that sends without reading only stops itself.
const maxOwnBytes = 64 << 10

// reply is one packet for this client alone.
type reply struct {
	frame *engineio.Frame // complete, or nil:
	event []byte          // an event without its closing bracket; the writer ends it with an id
	conn  *Conn           // nil: the client has no Conn for it
	opens bool            // the answer to CONNECT: the member's notifications may follow it

	// after is the head of the log when the reply was queued. Notifications up to it precede the reply, later ones follow.
	// event ends with it. now sends the reply at once, ending with after.
	after notify.ID
	now   bool

	size   int  // bytes of the packet, plus replyCost once it is queued
	queued bool // size includes replyCost
	answer bool // answers an event of the client
}

// replyCost is the memory of a queued reply in addition to the bytes of its packet.
const replyCost = 256

// outbox holds the replies of one client; the client's lock guards it.
type outbox struct {
	items []reply
	bytes int
}

// send queues replies under one lock and wakes the writer.
func (c *client) send(replies ...reply) {
	head := c.srv.hub.Head()
	c.mu.Lock()
	fits := c.queue(head, replies)
	c.mu.Unlock()
	c.wake(fits)
}

// wake starts the writer, or closes the client if a reply did not fit: the client could not know what it missed.
func (c *client) wake(fits bool) {
	if !fits {
		c.endWith("the client does not read", ReasonTransportError)
		return
	}
	c.session.Wake()
}

// queue adds replies, to be written after the notifications up to head. It returns false at the first one that does not
// fit. The caller holds the lock.
func (c *client) queue(head notify.ID, replies []reply) (fits bool) {
	defer func() { c.waiting.Store(int32(len(c.replies.items))) }()
	for _, r := range replies {
		if c.closed || r.conn != nil && r.conn.state == ended {
			continue
		}
		if !r.queued {
			r.queued, r.size = true, r.size+replyCost
		}
		limit := maxOwnBytes
		if r.answer { // of the event in progress, or a late acknowledgement
			limit += 2 * c.srv.opts.MaxPayload
		}
		if c.replies.bytes > 0 && c.replies.bytes+r.size > limit {
			return false
		}
		if !r.now && r.after.IsZero() {
			r.after = head
		}
		if r.conn != nil && r.conn.state == connecting && !r.now {
			r.conn.early = append(r.conn.early, r) // to follow the answer to CONNECT
		} else {
			c.replies.items = append(c.replies.items, r)
		}
		c.replies.bytes += r.size
	}
	return true
}

// takeEarly removes and returns the replies that wait for the answer to CONNECT. The caller holds the client's lock.
func (c *Conn) takeEarly() []reply {
	early := c.early
	c.early = nil
	for _, r := range early {
		c.client.replies.bytes -= r.size
	}
	return early
}

// eventReply returns an event for one client that is not in the log. It ends with the client's cursor, because
// socket.io-client resumes from the last string argument that it got.
func (c *Conn) eventReply(name string, arg any) reply {
	text := appendHeader(nil, kindEvent, 0, c.namespace, nil)
	body, err := marshal([]any{name, arg})
	if err != nil { // does not happen: arg is a struct of this package
		body, _ = json.Marshal([]any{name})
	}
	text = append(text, body[:len(body)-1]...)
	return reply{event: text, conn: c, size: len(text) + 32, answer: true}
}

// pulled has the deliveries that the writer has taken from a member and not written yet.
type pulled struct {
	conn *Conn
	buf  [16]notify.Delivery
	i, n int
}

var pulledPool = sync.Pool{New: func() any { return new(pulled) }}

// Pull gives the session's writer the next packets: replies, and the notifications of each namespace's member in turn.
// Events that Go code sent one after the other keep that order, whether they are replies or notifications. Pull appends the
// cursor to the packets that end with one, when their place on the wire is known: no client gets a cursor beyond the
// notifications that it has.
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

// writePending writes the next pulled notification, or the reply that precedes it. A reply of another namespace waits until
// all pulled notifications are written: only then can the writer pull the notifications that precede that reply.
func (c *client) writePending(b *engineio.Batch) {
	conn, d := c.pending.conn, c.pending.buf[c.pending.i]
	if r, found := c.nextReply(); found && (r.now || r.conn == nil ||
		r.conn == conn && d.Message != nil && isAfter(d.Message.ID, r.after)) {
		c.writeReply(b, r)
		return
	}
	conn.render(b, d)
	if d.Message != nil {
		conn.wire = d.Message.ID
	}
	c.pending.buf[c.pending.i] = notify.Delivery{}
	if c.pending.i++; c.pending.i == c.pending.n {
		pulledPool.Put(c.pending)
		c.pending = nil
	}
}

// isAfter compares two places of the log. The epoch only changes during a connection if the log was lost; there is no order
// to keep then.
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
	return !r.now && r.conn != nil && !hasReached(r.conn.wire, r.after) && r.conn.isOpen() && c.pull(r.conn)
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
	if c.replies.bytes -= r.size; c.working && c.replies.bytes <= maxOwnBytes {
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
	b.Text(r.event, r.conn.trailer(id))
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
	if next.n = conn.member.Pull(next.buf[:]); next.n == 0 {
		pulledPool.Put(next)
		return false
	}
	next.conn, next.i = conn, 0
	c.pending = next
	return true
}
