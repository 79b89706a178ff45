package socketio

import (
	"sync"

	"github.com/roomcast/roomcast/notify"
)

// Event is an event that a client emitted. It stays valid after the handler has returned: any
// goroutine can call Ack later.
type Event struct {
	Name string
	Args
	ack  *acknowledgement // nil: the client waits for none
	once sync.Once
}

// WantsAck reports whether the client waits for an acknowledgement.
func (e *Event) WantsAck() bool { return e.ack != nil }

// Ack acknowledges the event with any arguments. Only the first call counts. Without WantsAck it
// does nothing.
func (e *Event) Ack(args ...any) {
	if e.ack == nil {
		return
	}
	e.once.Do(func() {
		kind, data, attachments, err := encodeData(kindAck, args)
		if err != nil {
			e.ack.conn.client.srv.logEncodeError(e.ack.conn.namespace, err)
			return
		}
		e.ack.send(kind, data, attachments)
	})
}

// AckSplit is Ack with arguments of a backend.
func (e *Event) AckSplit(args notify.SplitArgs) {
	if e.ack == nil {
		return
	}
	kind := byte(kindAck)
	if len(args.Attachments) > 0 {
		kind = kindBinaryAck
	}
	e.once.Do(func() { e.ack.send(kind, args.Placeholders, args.Attachments) })
}

// acknowledgement is the place for the answer to an event.
type acknowledgement struct {
	conn *Conn
	id   uint64
}

func (a *acknowledgement) send(kind byte, data []byte, attachments [][]byte) {
	text := appendHeader(nil, kind, len(attachments), a.conn.namespace, &a.id)
	frame := a.conn.client.srv.newFrame(append(text, data...), attachments...)
	a.conn.client.send(reply{frame: frame, conn: a.conn, size: frame.Size()})
}
