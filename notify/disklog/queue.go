package disklog

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/roomcast/roomcast/notify"
)

const (
	maxQueued      = 4096     // messages that wait for the writer
	maxQueuedBytes = 64 << 20 // and their size
	maxCommit      = 256      // messages of one commit, except for a larger call of Append
	maxCommitBytes = 1 << 20
)

var errQueueFull = fmt.Errorf("%w: the disk is slower than the publishers", notify.ErrUnavailable)

// call is a call of Append.
type call struct {
	messages []*notify.Message
	size     int
	done     chan error // gets one value
	claim    *notify.Claim
	value    func() []byte // of claim
	in       *bucket       // of claim; nil: it has no claim in this store
	err      error         // for done, set by the writer
}

// queue has the calls that wait for the writer, oldest first.
type queue struct {
	filled chan struct{} // has a value when there may be calls

	mu       sync.Mutex
	calls    []*call
	messages int
	bytes    int
	closed   bool
}

func newQueue() *queue { return &queue{filled: make(chan struct{}, 1)} }

// push adds a call, or refuses it.
func (q *queue) push(c *call) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return notify.ErrClosed
	}
	if len(q.calls) > 0 &&
		(q.messages+len(c.messages) > maxQueued || q.bytes+c.size > maxQueuedBytes) {
		return errQueueFull
	}
	q.calls = append(q.calls, c)
	q.messages += len(c.messages)
	q.bytes += c.size
	q.wake()
	return nil
}

func (q *queue) wake() {
	select {
	case q.filled <- struct{}{}:
	default:
	}
}

// take removes the oldest calls, as many as one commit has. With none, closed says whether there
// will be no more.
func (q *queue) take() (calls []*call, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, messages, bytes := 0, 0, 0
	for n < len(q.calls) && (n == 0 ||
		messages+len(q.calls[n].messages) <= maxCommit && bytes+q.calls[n].size <= maxCommitBytes) {
		messages += len(q.calls[n].messages)
		bytes += q.calls[n].size
		n++
	}
	calls = slices.Clone(q.calls[:n])
	q.calls = slices.Delete(q.calls, 0, n)
	q.messages -= messages
	q.bytes -= bytes
	return calls, q.closed
}

// withdraw removes a call that still waits, and reports whether it did.
func (q *queue) withdraw(c *call) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.calls, c)
	if i < 0 {
		return false
	}
	q.calls = slices.Delete(q.calls, i, i+1)
	q.messages -= len(c.messages)
	q.bytes -= c.size
	return true
}

// close refuses further calls. It reports whether the queue was open.
func (q *queue) close() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	open := !q.closed
	q.closed = true
	q.wake()
	return open
}

// Append implements notify.Log. Its error wraps notify.ErrUnavailable when the disk is full or too
// slow.
func (l *Log) Append(ctx context.Context, messages []*notify.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &call{messages: messages, done: make(chan error, 1)}
	if c.claim, c.value = notify.ClaimOf(ctx); c.claim != nil {
		if in, ok := c.claim.In.(*bucket); ok && in.s == l.s {
			c.in = in
		}
	}
	for _, m := range messages {
		c.size += size(m)
	}
	if err := l.queue.push(c); err != nil {
		return err
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
	}
	if l.queue.withdraw(c) {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", notify.ErrUncertain, ctx.Err())
}

// size returns about how many bytes a message takes on disk.
func size(m *notify.Message) int {
	n := 64 + len(m.Data) + len(m.Metadata) + len(m.Args) + len(m.BinaryArgs) + len(m.Type) +
		len(m.Namespace)
	for _, room := range m.Rooms {
		n += 2*len(room) + 32
	}
	for _, room := range m.Except {
		n += len(room) + 2
	}
	for _, b := range m.Attachments {
		n += len(b) + 4
	}
	return n
}

// claims has the values of the claims of one commit, which the store cannot read before it.
type claims map[claimKey][]byte

type claimKey struct {
	in  *bucket
	key string
}

// check returns the error of a call whose claim has a value: the request was repeated while the call
// for it waited.
func (c claims) check(of *call) error {
	if of.in == nil {
		return nil
	}
	value, err := c[claimKey{of.in, of.claim.Key}], error(nil)
	if value == nil {
		value, err = of.in.Get(context.Background(), of.claim.Key)
	}
	if value != nil {
		return &notify.ClaimedError{Value: value}
	}
	return err
}

// stage puts the value of a claim into the batch with the messages.
func (c claims) stage(b *pebble.Batch, of *call) error {
	if of.in == nil {
		return nil
	}
	value := of.value()
	c[claimKey{of.in, of.claim.Key}] = value
	of.in.mu.Lock()
	defer of.in.mu.Unlock()
	return of.in.stage(b, of.claim.Key, value, of.claim.TTL)
}
