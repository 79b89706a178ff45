package socketio

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// The bounds of what a connection holds for asks. Go code decides how much it asks, so the bounds
// stop the code that asks and never the client.
const (
	// maxAskBytes bounds the packets that wait to be written. One packet of any size may wait.
	maxAskBytes = 2 << 20
	// maxAsks bounds the acknowledgements that the server waits for, and those that wait for the
	// handlers of their client.
	maxAsks = 4096
	// askPatience is the age from which an ask gives way when a new one would exceed maxAsks: a
	// client that has no answer for it must not stop later ones for ever.
	askPatience = time.Minute
)

var (
	// ErrTooManyAsks is the error of an Ask whose event was not sent, because the client has not
	// read or not acknowledged many earlier ones, or its handlers do not return: 2 MiB wait to be
	// written to its connection, 4,096 wait for their acknowledgement, or 4,096 functions of AskFunc
	// wait for the handlers. Ask again later.
	ErrTooManyAsks = errors.New("socketio: too many events wait for acknowledgements of the client")
	// ErrUnanswered is the error of an Ask that was dropped in favour of a later one: the client
	// has not acknowledged it for a minute, and left 4,096 unanswered.
	ErrUnanswered = errors.New("socketio: the client left too many events unanswered")
	// ErrTooManyAnswers is the error of an AskFunc whose acknowledgement was dropped, because earlier
	// packets of the client wait for its handlers and take the memory that they may take.
	ErrTooManyAnswers = errors.New("socketio: too many bytes of the client wait for its handlers")
)

// ask is an acknowledgement that the server waits for.
type ask struct {
	id     uint64
	since  time.Time
	answer func(Answer, error) // called once
}

// asked identifies an ask, to cancel it.
type asked struct {
	conn *Conn
	id   uint64
}

// forget cancels the ask, if it has no answer.
func (a asked) forget() {
	if _, waits := a.conn.takeAsk(a.id); waits {
		a.conn.client.mu.Lock()
		defer a.conn.client.mu.Unlock()
		a.conn.expectLate()
	}
}

// expectLate notes that the acknowledgement of a cancelled ask may still arrive. The caller holds
// the client's lock.
func (c *Conn) expectLate() { c.late = min(c.late+1, maxAsks) }

// takeLate reports whether an acknowledgement can be that of a cancelled ask.
func (c *Conn) takeLate() bool {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	if c.late == 0 {
		return false
	}
	c.late--
	return true
}

// Ask sends an event to this client and waits for its acknowledgement. The event is not stored, so
// it is lost with the connection. The error is the one of ctx, ErrClosed when the client has left
// or leaves, ErrTooManyAsks when the event was not sent, or ErrUnanswered. A handler can ask its
// own client, because an acknowledgement overtakes the events that wait for the handler. An
// OnConnect function cannot: its client gets the event only after the answer to CONNECT. Use
// AskFunc there.
func (c *Conn) Ask(ctx context.Context, event string, args ...any) (Answer, error) {
	q, err := newInquiry(event, args)
	if err != nil {
		return Answer{}, err
	}
	type result struct {
		answer Answer
		err    error
	}
	answered := make(chan result, 1)
	a, err := c.ask(q, func(answer Answer, err error) { answered <- result{answer, err} })
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
	q, err := newInquiry(event, args)
	if err != nil {
		return err
	}
	_, err = c.ask(q, func(a Answer, err error) { c.client.answer(answer, a, err) })
	return err
}

func (c *Conn) ask(q inquiry, answer func(Answer, error)) (asked, error) {
	id := c.client.srv.askIDs.Add(1)
	frame := c.client.srv.askPacket(q, c.namespace, id)
	r := reply{frame: frame, conn: c, size: frame.Size(), asks: true}
	head := c.client.srv.hub.Head()
	c.client.mu.Lock()
	dropped, err := c.expect(ask{id, time.Now(), answer}, r.size)
	if err == nil {
		c.client.queue(head, []reply{r}) // expect has checked that it fits
	}
	c.client.mu.Unlock()
	if err != nil {
		return asked{}, err
	}
	if dropped != nil {
		dropped.answer(Answer{}, ErrUnanswered)
	}
	c.client.session.Wake()
	return asked{c, id}, nil
}

// expect adds an ask with a packet of size bytes, unless that exceeds a bound. It returns the
// older ask that it has removed, if any. The caller holds the client's lock.
func (c *Conn) expect(a ask, size int) (dropped *ask, err error) {
	client := c.client
	if c.reason != "" || c.leaving || client.closed {
		return nil, ErrClosed
	}
	if waiting := client.replies.askBytes; waiting > 0 && waiting+size+replyCost > maxAskBytes {
		return nil, ErrTooManyAsks
	}
	if client.answers >= maxAsks {
		return nil, ErrTooManyAsks
	}
	if pending, oldest := client.pendingAsks(); pending >= maxAsks {
		first := oldest.asks[0]
		if a.since.Sub(first.since) < askPatience {
			return nil, ErrTooManyAsks
		}
		dropped, oldest.asks = &first, slices.Delete(oldest.asks, 0, 1)
		oldest.expectLate()
	}
	at, _ := c.findAsk(a.id) // at the end, unless a later id was faster
	c.asks = slices.Insert(c.asks, at, a)
	client.space.Broadcast() // the inbox has a higher limit now, see full
	return dropped, nil
}

// pendingAsks returns the number of asks in all namespaces, and the Conn with the oldest. The
// caller holds the lock.
func (c *client) pendingAsks() (n int, oldest *Conn) {
	for _, conn := range c.conns {
		n += len(conn.asks)
		if len(conn.asks) > 0 && (oldest == nil || conn.asks[0].id < oldest.asks[0].id) {
			oldest = conn
		}
	}
	return n, oldest
}

// findAsk returns the place of the ask with an id. The caller holds the client's lock.
func (c *Conn) findAsk(id uint64) (at int, found bool) {
	return slices.BinarySearchFunc(c.asks, id, func(a ask, id uint64) int {
		return cmp.Compare(a.id, id)
	})
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
	at, found := c.findAsk(id)
	if !found {
		return ask{}, false
	}
	a = c.asks[at]
	if c.asks = slices.Delete(c.asks, at, at+1); len(c.asks) == 0 {
		c.asks = nil // an idle client keeps no array
	}
	return a, true
}

// acknowledge passes a client's acknowledgement to the ask that waits for it. It reports whether
// the server has asked for it; the ask may be cancelled.
func (c *client) acknowledge(p *packet) (asked bool) {
	conn := c.conn(p.namespace)
	if conn == nil {
		c.end("ACK of a namespace that the client is not in")
		return false
	}
	a, asked := conn.takeAsk(p.id)
	if asked {
		a.answer(Answer{ClientID: conn.ID(), Args: Args{p.args, p.parts}}, p.excess)
	}
	return asked || conn.takeLate()
}
