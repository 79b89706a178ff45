package redisstream

import (
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify"
)

// call is a call of Append.
type call struct {
	messages []*notify.Message
	marks    []string      // the field rc of each, by which the tail finds it
	commands []redis.Cmder // for the writer
	size     int
	claim    *claimed // nil: none
	done     chan error

	// The lock of pending guards these.
	left    int       // messages that the tail has not delivered
	replied time.Time // zero: the writer has no reply
	over    bool      // the caller has, or will get, its result

	// room is the memory of a call with one message.
	room struct {
		marks    [1]string
		adds     [1][]any
		commands [1]redis.Cmder
		ids      [1]notify.ID
		id       [maxID + len("\r\n")]byte // with place for the end, it is read in one piece
	}
}

// waiting is a message that the tail has not read.
type waiting struct {
	of   *call
	m    *notify.Message
	mark string
}

// pending has the messages that the writer has sent or will send, so that the tail delivers the
// caller's own when it reads them. A call is over when there is a reply and the tail has delivered all
// messages.
type pending struct {
	mu    sync.Mutex
	calls map[string]waiting // by the field rc, which has a nonce; guarded by mu
	idle  chan struct{}      // closed when there are none; nil: nobody waits; guarded by mu

	patience time.Duration // of a caller with a reply, for the tail
}

// latePatience is the patience of a pending outside of tests.
const latePatience = 500 * time.Millisecond

func (p *pending) add(c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.left = len(c.messages)
	for i, mark := range c.marks {
		p.calls[mark] = waiting{c, c.messages[i], mark}
	}
}

// finish gives the caller its result. The lock is held.
func (p *pending) finish(c *call, err error) {
	if c.over {
		return
	}
	c.over = true
	c.done <- err
	p.drop(c)
}

// drop forgets the messages of a call: if they are stored, they are delivered as those of another
// node are. The lock is held.
func (p *pending) drop(c *call) {
	for _, mark := range c.marks {
		delete(p.calls, mark)
	}
	if p.idle != nil && len(p.calls) == 0 {
		close(p.idle)
		p.idle = nil
	}
}

// fail ends a call with an error.
func (p *pending) fail(c *call, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finish(c, err)
}

// reply notes the ids of the messages, or ends the call with an error. The lock is held: a batch has many
// calls.
func (p *pending) reply(c *call, ids []notify.ID, err error, now time.Time) {
	if err != nil {
		p.finish(c, err)
		return
	}
	for i, m := range c.messages {
		if w, waits := p.calls[c.marks[i]]; waits && w.of == c { // else the tail has set it
			m.ID = ids[i]
		}
	}
	c.replied = now
	if c.left == 0 {
		p.finish(c, nil)
	}
}

// take returns the message of a mark with its id, and the call that it belongs to, or nil.
func (p *pending) take(mark []byte, id notify.ID) (*notify.Message, *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w, ok := p.calls[string(mark)]
	if !ok {
		return nil, nil
	}
	delete(p.calls, w.mark)
	w.m.ID = id
	return w.m, w.of
}

// delivered notes that the follower has got a message of each call.
func (p *pending) delivered(calls []*call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range calls {
		if c.left--; c.left == 0 && !c.replied.IsZero() {
			p.finish(c, nil)
		}
	}
}

// late ends a call whose messages were stored some time ago, although the tail has not read them. It
// returns how long the caller still has to wait for that, or 0 without a reply.
func (p *pending) late(c *call) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.replied.IsZero() {
		return 0
	}
	if rest := p.patience - time.Since(c.replied); rest > 0 {
		return rest
	}
	p.finish(c, nil)
	return p.patience
}

// leave ends a call that the writer has taken: with nil if there is a reply, as the messages are
// stored then.
func (p *pending) leave(c *call, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !c.replied.IsZero() {
		err = nil
	}
	p.finish(c, err)
}

// settle waits until there are no messages, or the tail has ended.
func (p *pending) settle(ended <-chan struct{}) {
	p.mu.Lock()
	if len(p.calls) == 0 {
		p.mu.Unlock()
		return
	}
	if p.idle == nil {
		p.idle = make(chan struct{})
	}
	idle := p.idle
	p.mu.Unlock()
	timer := time.NewTimer(p.patience)
	defer timer.Stop()
	select {
	case <-idle:
	case <-ended:
	case <-timer.C:
	}
}
