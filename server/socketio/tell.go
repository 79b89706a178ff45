package socketio

import (
	"errors"
	"fmt"

	"github.com/roomcast/roomcast/notify"
)

// ErrBusy is the error of Tell when the client does not read.
var ErrBusy = errors.New("socketio: the client has not read what it was told before")

// Tell sends an event to this client, on this connection only, after the events that were emitted to
// it before. The event is not in the log: a client that reconnects does not get it, and it has no
// offset. See Emit for the arguments. Tell sends nothing and returns ErrBusy while more than 64 KiB of
// replies wait to be written, or any with which the event has more than that and Options.MaxPayload.
func (c *Conn) Tell(event string, args ...any) error {
	if err := notify.CheckEvent(event); err != nil {
		return err
	}
	text, attachments, err := encodePacket(kindEvent, c.namespace, nil, append([]any{event}, args...))
	if err != nil {
		return fmt.Errorf("socketio: tell %q: %w", event, err)
	}
	size := len(text)
	for _, part := range attachments {
		size += len(part)
	}
	r := reply{frame: c.client.srv.newFrame(text, attachments...), conn: c, size: size}
	return c.client.tell(r)
}

// tell queues a reply if the client reads.
func (c *client) tell(r reply) error {
	head := c.srv.hub.Head()
	c.mu.Lock()
	if c.closed || r.conn.state == ended {
		c.mu.Unlock()
		return ErrClosed
	}
	if n := c.replies.bytes; n > maxOwnBytes ||
		n > 0 && n+r.size > maxOwnBytes+c.srv.opts.MaxPayload {
		c.mu.Unlock()
		return ErrBusy
	}
	fits := c.queue(head, []reply{r})
	c.mu.Unlock()
	c.wake(fits)
	return nil
}
