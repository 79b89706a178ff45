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
	peer  *peer           // the namespace it belongs to; nil when there is none
	opens bool            // the CONNECT reply: after it the member's notifications may follow

	// after is the head of the log when the packet was queued: what the client was
	// sent by then goes out first, and what follows goes out later. It is also what
	// event ends with. now lets the packet go out at once, ending with after.
	after notify.ID
	now   bool

	size   int
	answer bool // to an event of the client
}

// outbox holds the replies of one link; the link's lock guards it.
type outbox struct {
	items []reply
	bytes int
}

// send queues replies in one piece and wakes the writer. A client that does not
// read what it did not ask for is closed: it could not tell what it missed.
func (l *link) send(replies ...reply) {
	head := l.srv.hub.Head()
	l.mu.Lock()
	overflow := false
	for _, r := range replies {
		limit := maxOwnBytes
		if r.answer { // those of the event in hand, and acknowledgements that come late
			limit += 2 * l.srv.opts.MaxPayload
		}
		if overflow = l.replies.bytes > 0 && l.replies.bytes+r.size > limit; overflow || l.closed {
			break
		}
		if r.peer != nil && !r.peer.welcomed && !r.now {
			continue // it has not been let in
		}
		if !r.now {
			r.after = head
		}
		l.replies.items = append(l.replies.items, r)
		l.replies.bytes += r.size
	}
	l.waiting.Store(int32(len(l.replies.items)))
	l.mu.Unlock()
	if overflow {
		l.session.Close(reasonTransport)
		return
	}
	l.session.Wake()
}

// sendPacket takes a packet that the library writes to this client.
func (l *link) sendPacket(w *wirePacket) {
	p := l.peer(w.namespace)
	r := reply{frame: w.frame, peer: p, size: w.frame.Size(), answer: w.kind == kindAck}
	switch {
	case p != nil && w.kind == kindConnect:
		replies := p.welcome()
		l.mu.Lock()
		p.welcomed = true
		l.mu.Unlock()
		l.send(replies...)
		return
	case w.kind == kindConnectError:
		r.now = true
		l.send(r)
		l.refused(p)
		return
	case p != nil && w.kind == kindDisconnect:
		p.void() // told to go by the server: nothing to resume
	}
	l.send(r)
}

// eventReply is an event for one client that is not logged. It ends with the
// client's cursor, since socket.io-client keeps the last string it was given as
// the place to resume from.
func (p *peer) eventReply(name string, arg any) reply {
	text := appendHeader(nil, kindEvent, 0, p.namespace, nil)
	body, err := marshal([]any{name, arg})
	if err != nil { // arg is a struct of ours
		body, _ = json.Marshal([]any{name})
	}
	text = append(text, body[:len(body)-1]...)
	return reply{event: text, peer: p, size: len(text) + 32, answer: true}
}

// pulled is what the writer has taken from a member and not yet written.
type pulled struct {
	peer *peer
	buf  [16]notify.Delivery
	i, n int
}

var pulledPool = sync.Pool{New: func() any { return new(pulled) }}

// Pull gives the session's writer what is to be sent next: replies, and the
// notifications of each namespace's member in turn. What Go code sent one after
// the other goes out in that order, whichever of the two ways it took. All that
// ends with a cursor is finished here, at its place on the wire, so that no
// client is ever given one beyond what it has.
func (l *link) Pull(b *engineio.Batch) (more bool) {
	defer l.srv.recovered("writer", func() { l.session.Close(reasonForced) })
	for !b.Full() {
		if l.pending != nil {
			l.writePending(b)
			continue
		}
		r, found := l.nextReply()
		switch {
		case found && l.pullFor(r):
		case found:
			l.writeReply(b, r)
		case !l.pullMember():
			return false
		}
	}
	return true
}

// writePending writes the next notification that was pulled, or the reply whose
// place is before it. A reply of another namespace waits until what was pulled is
// written: only then can its own notifications be taken before it.
func (l *link) writePending(b *engineio.Batch) {
	p, d := l.pending.peer, l.pending.buf[l.pending.i]
	if r, found := l.nextReply(); found && (r.now || r.peer == nil ||
		r.peer == p && d.Message != nil && isAfter(d.Message.ID, r.after)) {
		l.writeReply(b, r)
		return
	}
	p.render(b, d)
	if d.Message != nil {
		p.wire = d.Message.ID
	}
	l.pending.buf[l.pending.i] = notify.Delivery{}
	if l.pending.i++; l.pending.i == l.pending.n {
		pulledPool.Put(l.pending)
		l.pending = nil
	}
}

// isAfter compares two places of the log; epochs never change while a client
// stays, but for a log that was lost, where no order is left to keep.
func isAfter(id, other notify.ID) bool { return id.Epoch == other.Epoch && id.Seq > other.Seq }

func hasReached(wire, place notify.ID) bool {
	return wire.Epoch == place.Epoch && wire.Seq >= place.Seq
}

// nextReply is the reply at the front; it stays there until it is written.
func (l *link) nextReply() (reply, bool) {
	if l.waiting.Load() == 0 {
		return reply{}, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.replies.items) == 0 {
		return reply{}, false
	}
	return l.replies.items[0], true
}

// pullFor takes what the client of r was sent before r was queued.
func (l *link) pullFor(r reply) bool {
	return !r.now && r.peer != nil && !hasReached(r.peer.wire, r.after) && r.peer.isOpen() && l.pull(r.peer)
}

// writeReply takes the reply at the front, which is r, and writes it.
func (l *link) writeReply(b *engineio.Batch, r reply) {
	l.mu.Lock()
	l.replies.items[0] = reply{}
	l.replies.items = l.replies.items[1:]
	if len(l.replies.items) == 0 {
		l.replies.items = nil // an idle link keeps no array
	}
	l.waiting.Store(int32(len(l.replies.items)))
	if l.replies.bytes -= r.size; l.working && l.replies.bytes <= maxOwnBytes {
		l.space.Broadcast() // the worker may be waiting for this
	}
	if r.opens {
		r.peer.open = true
	}
	l.mu.Unlock()
	if r.frame != nil {
		b.Frame(r.frame)
		return
	}
	id := r.after
	if !r.now && isAfter(r.peer.wire, id) {
		id = r.peer.wire
	}
	b.Text(r.event, r.peer.trailer(id))
}

// pullMember takes the next notifications of one namespace, another one each time.
func (l *link) pullMember() bool {
	var room [4]*peer
	l.mu.Lock()
	open := room[:0]
	for _, p := range l.peers {
		if p.open {
			open = append(open, p)
		}
	}
	l.mu.Unlock()
	for i := range open {
		if l.pull(open[(l.turn+i)%len(open)]) {
			l.turn++
			return true
		}
	}
	return false
}

func (l *link) pull(p *peer) bool {
	m := p.hubMember()
	if m == nil {
		return false
	}
	next := pulledPool.Get().(*pulled)
	if next.n = m.Pull(next.buf[:]); next.n == 0 {
		pulledPool.Put(next)
		return false
	}
	next.peer, next.i = p, 0
	l.pending = next
	return true
}
