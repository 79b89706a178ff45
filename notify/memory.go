package notify

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"sync"
)

// MemoryLog is the Log of a single node without storage. It keeps no messages: the index of the Hub
// does. Each MemoryLog has a random epoch, so that a client with a cursor from before a restart
// gets a gap.
type MemoryLog struct {
	mu      sync.Mutex
	head    ID                         // guarded by mu
	deliver func(Batch) (after func()) // guarded by mu
	closed  bool                       // guarded by mu
}

// NewMemoryLog returns an empty log.
func NewMemoryLog() *MemoryLog {
	var b [4]byte
	_, _ = rand.Read(b[:]) // has no error: crypto/rand ends the process instead
	return &MemoryLog{head: ID{Epoch: memoryEpoch(binary.BigEndian.Uint32(b[:]))}}
}

// memoryEpoch makes an epoch of a random number: not 0, as the zero ID is no position, and not that
// of the streams.
func memoryEpoch(random uint32) uint32 {
	if epoch := random | 1; epoch != StreamEpoch {
		return epoch
	}
	return 1
}

// Append implements Log. It delivers the messages during the call, in the order of their ids.
func (l *MemoryLog) Append(ctx context.Context, messages []*Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	after, err := l.append(messages)
	if after != nil {
		after()
	}
	return err
}

func (l *MemoryLog) append(messages []*Message) (after func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	for _, m := range messages {
		l.head.Seq++
		m.ID = l.head
	}
	if l.deliver == nil {
		return nil, nil
	}
	return l.deliver(Batch{Messages: messages}), nil
}

// Follow implements Log. The log retains nothing, so everything before its head is lost.
func (l *MemoryLog) Follow(deliver func(Batch) (after func())) {
	l.mu.Lock()
	l.deliver = deliver
	after := deliver(Batch{Loss: &Loss{Head: l.head}})
	l.mu.Unlock()
	if after != nil {
		after()
	}
}

// Ready implements Log.
func (l *MemoryLog) Ready() <-chan struct{} { return always }

// Wait implements Log. It does not wait, because no other node has messages.
func (l *MemoryLog) Wait(_ context.Context, id ID) error {
	if head := l.Head(); id.Epoch != head.Epoch || id.Seq > head.Seq {
		return ErrAhead
	}
	return nil
}

// Head implements Log.
func (l *MemoryLog) Head() ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head
}

// Close implements Log.
func (l *MemoryLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}
