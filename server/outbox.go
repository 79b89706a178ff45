package server

import (
	"encoding/json"

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
	event []byte          // an event without its closing bracket; the writer ends it with the cursor
	peer  *peer           // whose cursor that is
	opens bool            // the CONNECT reply: after it the member's notifications may follow
	size  int
	reply bool // answers an event of the client
}

// outbox holds the replies of one link; the link's lock guards it.
type outbox struct {
	items []reply
	bytes int
}

// send queues replies in one piece and wakes the writer. A client that does not
// read its replies is closed: it could not tell which of them it missed.
func (l *link) send(replies ...reply) {
	l.mu.Lock()
	overflow := false
	for _, r := range replies {
		if l.closed {
			break
		}
		limit := maxOwnBytes
		if r.reply { // those of the event in hand, and acknowledgements that come late
			limit += 2 * l.srv.opts.MaxPayload
		}
		if overflow = l.replies.bytes > 0 && l.replies.bytes+r.size > limit; overflow {
			break
		}
		l.replies.items = append(l.replies.items, r)
		l.replies.bytes += r.size
	}
	l.mu.Unlock()
	if overflow {
		l.session.Close("transport error")
		return
	}
	l.session.Wake()
}

// sendPacket takes a packet that the library writes to this client.
func (l *link) sendPacket(w *wirePacket) {
	p := l.peer(w.namespace)
	switch {
	case p != nil && w.kind == kindConnect:
		l.send(p.welcome()...)
		return
	case w.kind == kindConnectError:
		l.send(reply{frame: w.frame, size: w.frame.Size()})
		l.refused(w, p)
		return
	case p != nil && w.kind == kindDisconnect:
		p.void() // told to go by the server: nothing to resume
	}
	l.send(reply{frame: w.frame, size: w.frame.Size(), reply: w.kind == kindAck})
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
	return reply{event: text, peer: p, size: len(text) + 32, reply: true}
}

// pulled is what the writer took from a member and had no room for.
type pulled struct {
	peer       *peer
	deliveries []notify.Delivery
}

// Pull gives the session's writer what is to be sent next: replies first, then
// the notifications of each namespace's member in turn. All that carries a
// cursor is finished here, in the order of the wire, so that no client is ever
// given a place beyond what it has.
func (l *link) Pull(b *engineio.Batch) (more bool) {
	defer l.srv.recovered("writer", func() { l.session.Close("forced close") })
	for !b.Full() {
		if left := l.leftover; left.peer != nil {
			l.leftover = pulled{}
			l.render(b, left.peer, left.deliveries)
			continue
		}
		if l.pullReply(b) {
			continue
		}
		if !l.pullMember(b) {
			return false
		}
	}
	return true
}

func (l *link) pullReply(b *engineio.Batch) bool {
	l.mu.Lock()
	if len(l.replies.items) == 0 {
		l.replies = outbox{} // an idle link keeps no array
		l.mu.Unlock()
		return false
	}
	r := l.replies.items[0]
	l.replies.items[0] = reply{}
	l.replies.items = l.replies.items[1:]
	if l.replies.bytes -= r.size; l.working && l.replies.bytes <= maxOwnBytes {
		l.space.Broadcast() // the worker may be waiting for this
	}
	if r.opens {
		r.peer.open = true
	}
	l.mu.Unlock()
	switch {
	case r.frame != nil:
		b.Frame(r.frame)
	case l.srv.opts.recovery() && r.peer.member != nil:
		b.Text(r.event, r.peer.trailer(r.peer.member.Cursor()))
	default:
		b.Text(r.event, []byte{']'})
	}
	return true
}

// pullMember takes the next notifications of the namespaces in turn, starting
// behind the one served last.
func (l *link) pullMember(b *engineio.Batch) bool {
	var room [4]*peer
	l.mu.Lock()
	open := room[:0]
	for _, p := range l.peers {
		if p.open && p.member != nil {
			open = append(open, p)
		}
	}
	l.mu.Unlock()
	var buf [16]notify.Delivery
	for i := range open {
		p := open[(l.turn+i)%len(open)]
		if n := p.member.Pull(buf[:]); n > 0 {
			l.turn++
			l.render(b, p, buf[:n])
			return true
		}
	}
	return false
}

// render writes deliveries until the batch is full and keeps the rest.
func (l *link) render(b *engineio.Batch, p *peer, deliveries []notify.Delivery) {
	for i, d := range deliveries {
		if b.Full() {
			l.leftover = pulled{peer: p, deliveries: append([]notify.Delivery(nil), deliveries[i:]...)}
			return
		}
		p.render(b, d)
	}
}
