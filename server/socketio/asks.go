package socketio

import (
	"context"
	"errors"
	"slices"
)

// maxAsks is the number of acknowledgements for which the server waits per Conn. A further Ask
// drops the oldest.
const maxAsks = 64

// ErrUnanswered is the error of an Ask that was dropped because the client did not answer many
// later ones.
var ErrUnanswered = errors.New("socketio: the client left too many events unanswered")

// ask is an acknowledgement that the server waits for.
type ask struct {
	id     uint64
	answer func(Answer, error) // called once
}

// asked identifies an ask, to cancel it.
type asked struct {
	conn *Conn
	id   uint64
}

func (a asked) forget() { a.conn.takeAsk(a.id) }

// Ask sends an event to this client and waits for its acknowledgement. The event is not stored, so
// it is lost with the connection. The error is the one of ctx, ErrClosed when the client has left
// or leaves, or ErrUnanswered. A handler can ask its own client, because an acknowledgement
// overtakes the events that wait for the handler. An OnConnect function cannot: its client gets the
// event only after the answer to CONNECT. Use AskFunc there.
func (c *Conn) Ask(ctx context.Context, event string, args ...any) (Answer, error) {
	type result struct {
		answer Answer
		err    error
	}
	answered := make(chan result, 1)
	a, err := c.ask(event, args, func(answer Answer, err error) { answered <- result{answer, err} })
	if err != nil {
		return Answer{}, err
	}
	select {
	case r := <-answered:
		return r.answer, r.err
	case <-ctx.Done():
		a.forget()
		return Answer{}, ctx.Err()
	}
}

// AskFunc is like Ask and does not wait. The Server calls answer once: in the order of the client's
// packets when the acknowledgement arrives, or with an error when the client leaves. A panic in
// answer closes this connection. If AskFunc returns an error, answer is not called.
func (c *Conn) AskFunc(event string, answer func(Answer, error), args ...any) error {
	_, err := c.ask(event, args, func(a Answer, err error) {
		c.client.later(func() { answer(a, err) })
	})
	return err
}

func (c *Conn) ask(event string, args []any, answer func(Answer, error)) (asked, error) {
	if err := checkEvent(event); err != nil {
		return asked{}, err
	}
	id := c.client.srv.askIDs.Add(1)
	text, attachments, err := encodePacket(kindEvent, c.namespace, &id,
		append([]any{event}, args...))
	if err != nil {
		return asked{}, err
	}
	oldest, err := c.expect(ask{id, answer})
	if err != nil {
		return asked{}, err
	}
	if oldest != nil {
		oldest.answer(Answer{}, ErrUnanswered)
	}
	frame := newFrame(text, attachments...)
	c.client.send(reply{frame: frame, conn: c, size: frame.Size()})
	return asked{c, id}, nil
}

// expect adds an ask and returns the oldest one if it had to be dropped.
func (c *Conn) expect(a ask) (oldest *ask, err error) {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	if c.reason != "" || c.leaving || c.client.closed {
		return nil, ErrClosed
	}
	if len(c.asks) == maxAsks {
		first := c.asks[0]
		oldest, c.asks = &first, slices.Delete(c.asks, 0, 1)
	}
	c.asks = append(c.asks, a)
	c.client.space.Broadcast() // the inbox has a higher limit now, see full
	return oldest, nil
}

// abandonAsks ends all asks with ErrClosed. Callers call it as soon as the client leaves and do not
// leave it to the worker: a handler that waits in Ask blocks the worker.
func (c *Conn) abandonAsks() {
	c.client.mu.Lock()
	asks := c.asks
	c.asks = nil
	c.client.mu.Unlock()
	for _, a := range asks {
		a.answer(Answer{}, ErrClosed)
	}
}

// takeAsk removes and returns the ask with an id.
func (c *Conn) takeAsk(id uint64) (a ask, found bool) {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	i := slices.IndexFunc(c.asks, func(a ask) bool { return a.id == id })
	if i < 0 {
		return ask{}, false
	}
	a = c.asks[i]
	c.asks = slices.Delete(c.asks, i, i+1)
	return a, true
}

// acknowledge passes a client's acknowledgement to the ask that waits for it.
func (c *client) acknowledge(p *packet) {
	conn := c.conn(p.namespace)
	if conn == nil {
		c.end("ACK of a namespace that the client is not in")
		return
	}
	if a, found := conn.takeAsk(p.id); found {
		a.answer(Answer{ClientID: conn.ID(), Args: Args{p.args, p.parts}}, nil)
	}
}
