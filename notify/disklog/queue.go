package disklog

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/roomcast/roomcast/notify"
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
	if err := l.queue.Push(c, len(messages), c.size); err != nil {
		return err
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
	}
	if l.queue.Withdraw(c) {
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
