package peers

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

const (
	// maxCalls is how many calls wait for answers at the same time.
	maxCalls = 256
	// maxCallAnswers bounds the sockets or acknowledgements of one call.
	maxCallAnswers = 1 << 17
	// maxAnswerBytes bounds the answers to all calls.
	maxAnswerBytes = 64 << 20
	// maxAskTime is how long a call of clients waits whose context has no deadline: a client that has
	// left another server is not reported.
	maxAskTime = time.Minute
)

// SilentError is the error of a call that some servers have not answered in time. It is a
// context.DeadlineExceeded.
type SilentError struct{ Silent, Servers int }

func (e *SilentError) Error() string {
	return fmt.Sprintf("%d of %d other servers did not answer", e.Silent, e.Servers)
}

func (e *SilentError) Unwrap() error { return context.DeadlineExceeded }

// call is a call of this server that waits for answers.
type call struct {
	old
	asksClients bool
	more        chan struct{} // has an element when answers may have arrived
	done        chan struct{} // closed when nothing is missing

	// Guarded by Peers.mu.
	servers  int             // how many were asked
	pubsub   int             // how many of them have the pub/sub adapter
	named    map[string]bool // uids of servers with adapter 0.2 that have not answered
	unnamed  int             // how many other servers have not answered
	answered map[string]bool // uids of those that have
	clients  int             // acknowledgements that can still arrive
	answers  int
	bytes    int
	arrived  []*nodewire.Entry // answers that Call has not handed over
	failed   error
	isDone   bool
}

// Call sends a request to the other servers: an entry of TypeFetchSockets, TypeServerEmit or
// TypeBroadcast, without a UID and RequestID, which it sets. It hands each answer to got. It returns
// when all servers have answered, and for a broadcast all clients that they have asked; or when ctx
// ends; or, with a *SilentError, when servers have taken more than Timeout.
func (p *Peers) Call(ctx context.Context, e *nodewire.Entry, got func(*nodewire.Entry)) error {
	return p.call(ctx, e, calling{got: got, toPubSub: p.o.Servers != ""})
}

// calling is what a call does with its answers.
type calling struct {
	got      func(*nodewire.Entry)
	counted  func() // nil, or called once when all servers have answered, or will not
	toPubSub bool   // servers with the pub/sub adapter are asked, too
}

func (p *Peers) call(ctx context.Context, e *nodewire.Entry, to calling) error {
	if to.counted != nil {
		counted := sync.OnceFunc(to.counted)
		defer counted()
		to.counted = counted
	}
	p.Enter(e.Namespace)
	defer p.Leave(e.Namespace)
	e.UID, e.RequestID = p.o.UID, p.newID()
	c := &call{
		old: old{e.Namespace, e.RequestID}, asksClients: e.Type == nodewire.TypeBroadcast,
		more: make(chan struct{}, 1), done: make(chan struct{}), answered: map[string]bool{},
	}
	timer := time.NewTimer(p.o.Timeout)
	defer timer.Stop()
	prepare, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	if to.toPubSub {
		defer p.listen(c.namespace)()
	}
	inStream, err := p.open(prepare, c, to.toPubSub)
	if err != nil || c.servers == 0 {
		return err
	}
	defer p.forget(c)
	if c.pubsub > 0 {
		err = p.sendPubSub(prepare, e)
	}
	if err == nil && c.servers > c.pubsub {
		err = p.send(prepare, e, inStream)
	}
	if err != nil {
		return err
	}
	if c.asksClients {
		ctx, cancel = context.WithTimeout(ctx, maxAskTime)
		defer cancel()
	}
	for isOver := false; ; {
		var err error
		select {
		case <-c.more:
		case <-c.done:
			isOver = true
		case <-timer.C:
			isOver = p.late(c)
		case <-ctx.Done():
			isOver, err = true, ctx.Err()
		case <-p.life.Done():
			isOver, err = true, ErrClosed
		}
		if isOver {
			err = p.result(c, err)
		}
		answers, isCounted := p.take(c)
		for _, answer := range answers {
			to.got(answer)
		}
		if isCounted && to.counted != nil {
			to.counted()
		}
		if isOver {
			return err
		}
	}
}

// take removes the answers that have arrived. It reports whether no server is expected to answer any more.
func (p *Peers) take(c *call) (arrived []*nodewire.Entry, isCounted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	arrived = c.arrived
	c.arrived = nil
	return arrived, c.silent() == 0 || c.failed != nil
}

func newRequestID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// open counts the servers to ask, and registers the call.
func (p *Peers) open(ctx context.Context, c *call, toPubSub bool) (inStream bool, err error) {
	p.mu.Lock()
	isServing := p.isServing
	p.mu.Unlock()
	if !isServing {
		return false, ErrClosed
	}
	if toPubSub {
		if err := p.waitResponses(ctx, c.namespace); err != nil {
			return false, err
		}
	}
	others, pubsub, err := p.subscribers(ctx, c.namespace)
	if err != nil {
		return false, err
	}
	if toPubSub {
		c.pubsub = pubsub
		others += pubsub
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c.named, c.unnamed = p.alive(c.namespace), others
	if c.servers = len(c.named) + others; c.servers == 0 {
		return false, nil
	}
	if len(p.calls) >= maxCalls || p.answers >= maxAnswerBytes {
		return false, ErrBusy
	}
	p.calls[c.uid] = c
	return len(c.named) > 0, nil
}

// subscribers returns how many other servers get what is published in a namespace, and how many servers
// have the pub/sub adapter there.
func (p *Peers) subscribers(ctx context.Context, namespace string) (others, pubsub int, err error) {
	channels := []string{p.channel(namespace, "")}
	if err := p.channels.Wait(ctx, channels[0], p.channel(namespace, p.o.UID)); err != nil {
		return 0, 0, err
	}
	if p.o.Servers != "" {
		channels = append(channels, p.representedChannels(namespace)...)
	}
	n, err := p.channels.Subscribers(ctx, channels...)
	if err != nil {
		return 0, 0, err
	}
	if len(n) > 1 { // without the node that represents the cluster
		pubsub = max(0, n[1]-n[2])
	}
	return max(0, n[0]-1), pubsub, nil
}

// send sends a request where all servers get it, and none twice.
func (p *Peers) send(ctx context.Context, e *nodewire.Entry, inStream bool) error {
	if inStream {
		p.mu.Lock()
		if n := p.namespaces[e.Namespace]; n != nil {
			n.wrote = time.Now()
		}
		p.mu.Unlock()
		return p.stream.Append(ctx, e)
	}
	payload, err := e.AppendMap(nil)
	if err != nil {
		return err
	}
	return p.channels.Publish(ctx, Message{p.channel(e.Namespace, ""), payload})
}

func (p *Peers) forget(c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.calls, c.uid)
	p.answers -= c.bytes
	c.bytes = 0
}
