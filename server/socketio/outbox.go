package socketio

import (
	"encoding/json"
	"sync"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/engineio"
)

// maxOwnBytes bounds what waits for one client outside of the Hub. An emit that
// asks for an acknowledgement and does not fit closes the client. Answers to its
// own events are held back at the source instead: while more than this waits, no
// further event of the client is handled, so a client that sends without reading
// waits for itself.
const maxOwnBytes = 64 << 10

// reply is one packet for this client alone.
type reply struct {
	frame *engineio.Frame // complete, or nil:
	event []byte          // an event without its closing bracket; the writer ends it with an id
	conn  *Conn           // the namespace it belongs to; nil when there is none
	opens bool            // the CONNECT reply: after it the member's notifications may follow

	// after is the head of the log when the packet was queued: what the client was
	// sent by then goes out first, and what follows goes out later. It is also what
	// event ends with. now lets the packet go out at once, ending with after.
	after notify.ID
	now   bool

	size   int  // bytes of the packet, and replyCost once it is queued
	queued bool // its bytes are counted
	answer bool // to an event of the client
}

// replyCost is what a queued reply holds beside the bytes of its packet.
const replyCost = 256

// outbox holds the replies of one client; the client's lock guards it.
type outbox struct {
	items []reply
	bytes int
}

// send queues replies in one piece and wakes the writer.
func (c *client) send(replies ...reply) {
	head := c.srv.hub.Head()
	c.mu.Lock()
	fits := c.queue(head, replies)
	c.mu.Unlock()
	c.wake(fits)
}

// wake starts the writer. A client that does not read what it did not ask for is closed: it could not tell what it
// missed.
func (c *client) wake(fits bool) {
	if !fits {
		c.endWith("the client does not read", ReasonTransportError)
		return
	}
	c.session.Wake()
}

// queue adds replies behind the notifications up to head, and reports false at the first one that does not fit. The
// caller holds the lock.
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
		if r.answer { // those of the event in hand, and acknowledgements that come late
			limit += 2 * c.srv.opts.MaxPayload
		}
		if c.replies.bytes > 0 && c.replies.bytes+r.size > limit {
			return false
		}
		if !r.now && r.after.IsZero() {
			r.after = head
		}
		if r.conn != nil && r.conn.state == connecting && !r.now {
			r.conn.early = append(r.conn.early, r) // follows the answer to CONNECT
		} else {
			c.replies.items = append(c.replies.items, r)
		}
		c.replies.bytes += r.size
	}
	return true
}

// takeEarly takes what waits for the answer to CONNECT; the caller holds the client's lock.
func (c *Conn) takeEarly() []reply {
	early := c.early
	c.early = nil
	for _, r := range early {
		c.client.replies.bytes -= r.size
	}
	return early
}

// eventReply is an event for one client that is not logged. It ends with the
// client's cursor, since socket.io-client keeps the last string it was given as
// the place to resume from.
func (c *Conn) eventReply(name string, arg any) reply {
	text := appendHeader(nil, kindEvent, 0, c.namespace, nil)
	body, err := marshal([]any{name, arg})
	if err != nil { // arg is a struct of ours
		body, _ = json.Marshal([]any{name})
	}
	text = append(text, body[:len(body)-1]...)
	return reply{event: text, conn: c, size: len(text) + 32, answer: true}
}

// pulled is what the writer has taken from a member and not yet written.
type pulled struct {
	conn *Conn
	buf  [16]notify.Delivery
	i, n int
}

var pulledPool = sync.Pool{New: func() any { return new(pulled) }}

// Pull gives the session's writer what is to be sent next: replies, and the
// notifications of each namespace's member in turn. What Go code sent one after
// the other goes out in that order, whichever of the two ways it took. All that
// ends with a cursor is finished here, at its place on the wire, so that no
// client is ever given one beyond what it has.
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

// writePending writes the next notification that was pulled, or the reply whose
// place is before it. A reply of another namespace waits until what was pulled is
// written: only then can its own notifications be taken before it.
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

// isAfter compares two places of the log; epochs never change while a client
// stays, but for a log that was lost, where no order is left to keep.
func isAfter(id, other notify.ID) bool { return id.Epoch == other.Epoch && id.Seq > other.Seq }

func hasReached(wire, place notify.ID) bool {
	return wire.Epoch == place.Epoch && wire.Seq >= place.Seq
}

// nextReply is the reply at the front; it stays there until it is written.
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

// pullFor takes what the client of r was sent before r was queued.
func (c *client) pullFor(r reply) bool {
	return !r.now && r.conn != nil && !hasReached(r.conn.wire, r.after) && r.conn.isOpen() && c.pull(r.conn)
}

// writeReply takes the reply at the front, which is r, and writes it.
func (c *client) writeReply(b *engineio.Batch, r reply) {
	c.mu.Lock()
	c.replies.items[0] = reply{}
	c.replies.items = c.replies.items[1:]
	if len(c.replies.items) == 0 {
		c.replies.items = nil // an idle client keeps no array
	}
	c.waiting.Store(int32(len(c.replies.items)))
	if c.replies.bytes -= r.size; c.working && c.replies.bytes <= maxOwnBytes {
		c.space.Broadcast() // the worker may be waiting for this
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

// pullMember takes the next notifications of one namespace, another one each time.
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
