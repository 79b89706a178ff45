package socketio

import (
	"context"
	"errors"
	"slices"
)

// maxAsks is how many acknowledgements a client may owe; the oldest is given up for a new one.
const maxAsks = 64

// ErrUnanswered is the error of an Ask whose client has left too many later ones unanswered.
var ErrUnanswered = errors.New("socketio: the client left too many events unanswered")

// ask is an acknowledgement that a client owes.
type ask struct {
	id     uint64
	answer func(Answer, error) // called once
}

// asked takes an ask back.
type asked struct {
	conn *Conn
	id   uint64
}

func (a asked) forget() { a.conn.takeAsk(a.id) }

// Ask sends an event to this client and waits for its acknowledgement. Nothing is stored: the event is lost with the
// connection. The error is that of ctx, ErrClosed when the client has left or leaves, or ErrUnanswered. A handler may ask
// its own client: the acknowledgement passes the events that wait for the handler. OnConnect may not, since its client
// gets the event behind the answer to CONNECT: use AskFunc there.
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

// AskFunc is Ask that does not wait: answer is called once, in the place of the acknowledgement among the client's
// packets, or with an error when the client leaves. A panic of it costs this connection.
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
	text, attachments, err := encodePacket(kindEvent, c.namespace, &id, append([]any{event}, args...))
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

// expect notes an ask. It returns the one that is given up for it.
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
	c.client.space.Broadcast() // the reader may take more packets now
	return oldest, nil
}

// abandonAsks tells the callers that wait for the client's acknowledgements that it has left. It is called as soon as that
// is known: a handler that asks holds the worker, which would tell it otherwise.
func (c *Conn) abandonAsks() {
	c.client.mu.Lock()
	asks := c.asks
	c.asks = nil
	c.client.mu.Unlock()
	for _, a := range asks {
		a.answer(Answer{}, ErrClosed)
	}
}

// takeAsk takes the ask with an id off the list, if it is there.
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

// acknowledge hands a client's acknowledgement to the caller that waits for it.
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
