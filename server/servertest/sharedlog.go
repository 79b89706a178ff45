package servertest

import (
	"context"
	"sync"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// SharedLog is a log of several nodes in one process, with ids like those of a Redis stream. All
// nodes deliver a message before its Append returns.
type SharedLog struct {
	mu      sync.Mutex
	entries []*notify.Message
	nodes   []*sharedNode
}

// NewSharedLog returns an empty log.
func NewSharedLog() *SharedLog { return &SharedLog{} }

// Node returns the log of another node.
func (l *SharedLog) Node() notify.Log { return &sharedNode{l: l, ready: make(chan struct{})} }

// sharedStart is the time of all entries, in milliseconds. Its numbers are enough for a test.
const sharedStart = 1764201600000

// head returns the id of the last entry.
func (l *SharedLog) head() notify.ID {
	if len(l.entries) == 0 {
		return notify.ID{Epoch: notify.StreamEpoch}
	}
	return l.entries[len(l.entries)-1].ID
}

type sharedNode struct {
	l       *SharedLog
	deliver func(notify.Batch) (after func())
	ready   chan struct{}
	closed  bool
}

// Append implements notify.Log.
func (n *sharedNode) Append(ctx context.Context, messages []*notify.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l := n.l
	l.mu.Lock()
	if n.closed {
		l.mu.Unlock()
		return notify.ErrClosed
	}
	for _, m := range messages {
		m.ID, _ = notify.StreamID(sharedStart, uint64(len(l.entries))+1)
		l.entries = append(l.entries, m)
	}
	var after []func()
	for _, node := range l.nodes {
		batch := notify.Batch{Messages: messages}
		if node != n {
			batch.Messages = foreignMessages(messages)
		}
		after = append(after, node.deliver(batch))
	}
	l.mu.Unlock()
	for _, f := range after {
		if f != nil {
			f()
		}
	}
	return nil
}

// foreignMessages returns messages as another node reads them.
func foreignMessages(messages []*notify.Message) []*notify.Message {
	all := make([]*notify.Message, len(messages))
	for i, m := range messages {
		all[i] = &notify.Message{ID: m.ID, Namespace: m.Namespace, Rooms: m.Rooms, Except: m.Except,
			Type: m.Type, Timestamp: m.Timestamp, TTL: m.TTL, Data: m.Data, Metadata: m.Metadata,
			Args: m.Args, Bare: m.Bare, Retain: m.Retain}
	}
	return all
}

// Follow implements notify.Log.
func (n *sharedNode) Follow(deliver func(notify.Batch) (after func())) {
	l := n.l
	l.mu.Lock()
	n.deliver = deliver
	l.nodes = append(l.nodes, n)
	batch := notify.Batch{Loss: &notify.Loss{Head: notify.ID{Epoch: notify.StreamEpoch}}, Retained: true,
		Messages: foreignMessages(l.entries)}
	for _, m := range batch.Messages {
		m.Stored = time.Now()
	}
	after := deliver(batch)
	l.mu.Unlock()
	if after != nil {
		after()
	}
	close(n.ready)
}

// Ready implements notify.Log.
func (n *sharedNode) Ready() <-chan struct{} { return n.ready }

// Wait implements notify.Log. All nodes have everything.
func (n *sharedNode) Wait(_ context.Context, id notify.ID) error {
	if head := n.Head(); id.Epoch != head.Epoch || id.Seq > head.Seq {
		return notify.ErrAhead
	}
	return nil
}

// Head implements notify.Log.
func (n *sharedNode) Head() notify.ID {
	n.l.mu.Lock()
	defer n.l.mu.Unlock()
	return n.l.head()
}

// Close implements notify.Log.
func (n *sharedNode) Close() error {
	n.l.mu.Lock()
	defer n.l.mu.Unlock()
	n.closed = true
	return nil
}
