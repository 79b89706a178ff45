package redisstream

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/notify/cluster"
)

const (
	// askTimeout is how long Ask waits for answers.
	askTimeout = time.Second
	// maxQuestions is how many calls of Ask wait at the same time.
	maxQuestions = 256
)

// Bus is the cluster.Bus of a node, by PUBLISH. All nodes listen to one channel, and each to a
// channel of its own for answers.
type Bus struct {
	c          *Client
	askTimeout time.Duration

	life    context.Context // ends with Close
	end     context.CancelFunc
	running sync.WaitGroup // all goroutines
	inbox   inbox
	hears   atomic.Bool   // the channels are subscribed
	entered chan struct{} // closed when the node is in the list and has a tag

	dropped, large         atomic.Int64   // messages, and answers, since the last line about them
	toldDropped, toldLarge rate.Sometimes // limit these lines

	mu        sync.Mutex // guards the fields below
	self      cluster.Node
	former    former
	handlers  map[string]func(from string, body []byte) []byte
	questions map[uint64]*question
	last      uint64 // the number of the last question
}

var _ cluster.Bus = (*Bus)(nil)

// question is a call of Ask that waits.
type question struct {
	open    map[string]bool // nodes that have not answered
	answers map[string][]byte
	done    chan struct{} // closed when nobody is left
}

// Handle implements cluster.Bus.
func (b *Bus) Handle(kind string, f func(from string, body []byte) []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handlers[kind] = f
}

// Tell implements cluster.Bus.
func (b *Bus) Tell(ctx context.Context, kind string, body []byte) error {
	if err := check(kind, body); err != nil {
		return err
	}
	return b.publish(ctx, busChannel, frame{is: isTell, kind: kind, body: body})
}

// Ask implements cluster.Bus.
func (b *Bus) Ask(ctx context.Context, kind string, body []byte) (
	answers map[string][]byte, silent []string, err error,
) {
	if err := check(kind, body); err != nil {
		return nil, nil, err
	}
	if !b.hears.Load() {
		return nil, nil, fmt.Errorf("%w: answers of other nodes do not arrive", ErrUnavailable)
	}
	ctx, cancel := context.WithTimeout(ctx, b.askTimeout)
	defer cancel()
	nodes, err := b.Nodes(ctx)
	if err != nil {
		return nil, nil, err
	}
	id, q, err := b.open(nodes)
	if err != nil {
		return nil, nil, err
	}
	defer b.forget(id)
	if len(q.open) == 0 {
		return q.answers, nil, nil
	}
	err = b.publish(ctx, busChannel, frame{is: isAsk, id: id, kind: kind, body: body})
	if err != nil {
		return nil, nil, err
	}
	select {
	case <-q.done:
	case <-ctx.Done():
	case <-b.life.Done():
		return nil, nil, ErrClosed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, node := range nodes {
		if _, answered := q.answers[node.UID]; !answered && node.UID != b.self.UID {
			silent = append(silent, node.UID)
		}
	}
	return maps.Clone(q.answers), silent, nil
}

func check(kind string, body []byte) error {
	if len(kind) > cluster.MaxKind || len(body) > cluster.MaxBody {
		return fmt.Errorf("%w: kind %.80q with %d bytes, expected at most %d and %d bytes",
			cluster.ErrTooLarge, kind, len(body), cluster.MaxKind, cluster.MaxBody)
	}
	return nil
}

var errBusy = fmt.Errorf("%w: too many questions to other nodes wait", ErrUnavailable)

// open adds a question to all nodes except this one.
func (b *Bus) open(nodes []cluster.Node) (id uint64, q *question, err error) {
	q = &question{open: map[string]bool{}, answers: map[string][]byte{}, done: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.questions) >= maxQuestions {
		return 0, nil, errBusy
	}
	for _, node := range nodes {
		if node.UID != b.self.UID {
			q.open[node.UID] = true
		}
	}
	b.last++
	b.questions[b.last] = q
	return b.last, q, nil
}

func (b *Bus) forget(id uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.questions, id)
}

// answered notes an answer. A node that was not in the list when Ask read it is not waited for.
func (b *Bus) answered(f frame) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.questions[f.id]
	if q == nil || !q.open[f.from] {
		return
	}
	delete(q.open, f.from)
	if f.is == isAnswer {
		q.answers[f.from] = f.body
	}
	if len(q.open) == 0 {
		close(q.done)
	}
}

// busChannel is the channel of all nodes; a node's own is busChannel:<uid>.
const busChannel = "bus"

func (b *Bus) publish(ctx context.Context, channel string, f frame) error {
	_, err := b.send(ctx, channel, f)
	return err
}

// send publishes a frame and returns how many nodes get it.
func (b *Bus) send(ctx context.Context, channel string, f frame) (receivers int64, err error) {
	f.from = b.Self().UID
	if b.life.Err() != nil {
		return 0, ErrClosed
	}
	err = b.c.do(ctx, func(ctx context.Context, r *redis.Client) (err error) {
		receivers, err = r.Publish(ctx, b.c.channel(channel), f.append(nil)).Result()
		return err
	})
	return receivers, err
}

// Self returns this node. Its Tag can change after Redis was away.
func (b *Bus) Self() cluster.Node {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.self
}

// Close leaves the cluster. It waits until the handlers that run have returned.
func (b *Bus) Close() {
	b.end()
	b.running.Wait()
	_ = b.leave() // else the node expires
}
