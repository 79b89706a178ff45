package socketio

import (
	"encoding/json"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/engineio"
)

// maxOwnBytes bounds the replies that wait for one client outside the Hub. They answer packets of
// the client, so they are limited at their source: while more than this waits, the worker handles
// no further packet, and a client that sends without reading only stops itself. The answer of the
// packet in progress and late acknowledgements may exceed it by two payloads; more closes the
// client. The events of asks have their own bound, see maxAskBytes.
const maxOwnBytes = 64 << 10

// reply is one packet for this client alone.
type reply struct {
	frame *engineio.Frame // complete, or nil:
	event []byte          // an event without its closing bracket; the writer ends it with an id
	conn  *Conn           // nil: the client has no Conn for it
	opens bool            // the answer to CONNECT: the member's notifications may follow it

	// after is the head of the log when the reply was queued. Notifications up to it precede the
	// reply, later ones follow. event ends with it. now sends the reply at once, ending with after.
	after notify.ID
	now   bool

	size   int  // bytes of the packet, plus replyCost once it is queued
	queued bool // size includes replyCost
	asks   bool // the event of an ask
}

// replyCost is the memory of a queued reply in addition to the bytes of its packet.
const replyCost = 256

// outbox holds the replies of one client; the client's lock guards it.
type outbox struct {
	items    []reply
	bytes    int // of the replies that are not asks
	askBytes int // of the asks
}

// count adds n bytes for a reply.
func (o *outbox) count(r reply, n int) {
	if r.asks {
		o.askBytes += n
	} else {
		o.bytes += n
	}
}

// send queues replies under one lock and wakes the writer.
func (c *client) send(replies ...reply) {
	head := c.srv.hub.Head()
	c.mu.Lock()
	fits := c.queue(head, replies)
	c.mu.Unlock()
	c.wake(fits)
}

// wake starts the writer, or closes the client if a reply did not fit: the client could not know
// what it missed.
func (c *client) wake(fits bool) {
	if !fits {
		c.endWith("the client does not read", ReasonTransportError)
		return
	}
	c.session.Wake()
}

// queue adds replies, to be written after the notifications up to head. It returns false at the
// first one that does not fit. The caller holds the lock.
func (c *client) queue(head notify.ID, replies []reply) (fits bool) {
	defer func() { c.waiting.Store(int32(len(c.replies.items))) }()
	for _, r := range replies {
		if c.closed || r.conn != nil && r.conn.state == ended {
			continue
		}
		if !r.queued {
			r.queued, r.size = true, r.size+replyCost
		}
		limit := maxOwnBytes + 2*c.srv.opts.MaxPayload
		if !r.asks && c.replies.bytes > 0 && c.replies.bytes+r.size > limit {
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
		c.replies.count(r, r.size)
	}
	return true
}

// takeEarly removes and returns the replies that wait for the answer to CONNECT. The caller holds
// the client's lock.
func (c *Conn) takeEarly() []reply {
	early := c.early
	c.early = nil
	for _, r := range early {
		c.client.replies.count(r, -r.size)
	}
	return early
}

// control sends an event of the server's own about the connection. A plain server sends none.
func (c *Conn) control(name string, arg any) {
	if !c.client.srv.opts.Plain {
		c.client.send(c.eventReply(name, arg))
	}
}

// eventReply returns an event for one client that is not in the log. It ends with the client's
// cursor, because socket.io-client resumes from the last string argument that it got.
func (c *Conn) eventReply(name string, arg any) reply {
	text := appendHeader(nil, kindEvent, 0, c.namespace, nil)
	body, err := marshal([]any{name, arg})
	if err != nil { // does not happen: arg is a struct of this package
		body, _ = json.Marshal([]any{name})
	}
	text = append(text, body[:len(body)-1]...)
	return reply{event: text, conn: c, size: len(text) + 32}
}
