package redisstream

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/notify/internal/queue"
)

// LogOptions are the settings of a Log. Start from DefaultLogOptions.
type LogOptions struct {
	// MaxLen is the number of entries that the stream keeps, about: every message removes the oldest
	// ones above it, for all nodes. Node's adapter does the same with its own number. With less than
	// 1,000 a pipeline of publishes can remove what a node has just read, which is a loss. The default
	// is 100,000.
	MaxLen int

	// HistoryTTL is how old the messages are at most that the log reads when it starts. The default
	// is 5 minutes.
	HistoryTTL time.Duration

	// TailBytes is the size at most of the messages that the log reads when it starts. The default is
	// 64 MiB.
	TailBytes int64

	// RetainedBytes is the size at most of the retained messages that the log reads when it starts.
	// They take less than half of what a Hub counts for its RetainedMaxBytes. With 0 it reads none.
	// The default is 16 MiB.
	RetainedBytes int64
}

// DefaultLogOptions returns the options for a stream on a server with some hundred MB of memory.
func DefaultLogOptions() LogOptions {
	return LogOptions{MaxLen: 100_000, HistoryTTL: 5 * time.Minute, TailBytes: 64 << 20,
		RetainedBytes: 16 << 20}
}

// Log is the notify.Log on the stream of a Client, which other nodes and Socket.IO servers for Node
// write and read, too. One goroutine, the writer, sends what calls of Append have queued; another one,
// the tail, reads the stream and delivers it. A server that is away makes Append fail, and nothing
// else: the tail goes on from its position when it is back.
type Log struct {
	of      *Client // of OpenLog; its values are those of claims
	c       *Client // for the connections of the log
	o       LogOptions
	uid     string
	queue   *queue.Queue[*call]
	stream  any // its name, and MaxLen, as arguments of commands
	maxLen  any
	sending []redis.Cmder // of the writer
	pending pending
	nonce   atomic.Uint64
	calls   logCalls

	known    chan struct{} // closed when the tail has read the history
	followed chan struct{} // closed by Follow
	ready    chan struct{} // closed when the follower has the history, and new entries can be read
	written  chan struct{} // closed when the writer has ended
	ended    chan struct{} // closed when the tail has ended
	deliver  func(notify.Batch) (after func())

	tail tail     // of the goroutine of that name
	up   streamID // the entry with which this node began; set when known is closed

	mu    sync.Mutex
	head  notify.ID     // guarded by mu: the last message that was delivered
	read  notify.ID     // guarded by mu: the last entry that was read, after what it has was delivered
	moved chan struct{} // guarded by mu: closed when read changes; nil: nobody waits

	current         atomic.Int64 // Unix time in ms at which the tail had read everything; 0: never
	losses, skipped atomic.Uint64
	told            rate.Sometimes // limits the lines about entries that are skipped
	refused         rate.Sometimes // limits the lines about errors that the server replies to the tail
	trimmed         rate.Sometimes // limits the lines about a stream that is kept short
}

// OpenLog returns the log on the stream of c, with connections of its own. It does not wait for the
// server: the log is Ready when it has been read for the first time.
func OpenLog(c *Client, o LogOptions) (*Log, error) {
	own, err := New(c.o)
	if err != nil {
		return nil, err
	}
	l := &Log{
		of: c, c: own, o: o, uid: nodewire.NewUID(), queue: queue.New[*call](errQueueFull),
		stream: c.o.Stream, maxLen: o.MaxLen,
		known: make(chan struct{}), followed: make(chan struct{}), ready: make(chan struct{}),
		written: make(chan struct{}), ended: make(chan struct{}),
		told: rate.Sometimes{Interval: time.Minute}, refused: rate.Sometimes{Interval: time.Minute},
		trimmed: rate.Sometimes{Interval: time.Hour},
	}
	l.pending.calls, l.pending.patience = make(map[string]waiting), latePatience
	l.tail.page, l.tail.scan, l.calls.l = firstPage, firstPage, l
	go l.write()
	go l.follow()
	return l, nil
}

// Follow implements notify.Log.
func (l *Log) Follow(deliver func(notify.Batch) (after func())) {
	l.deliver = deliver
	close(l.followed)
}

// Ready implements notify.Log.
func (l *Log) Ready() <-chan struct{} { return l.ready }

// Head implements notify.Log.
func (l *Log) Head() notify.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head
}

// Wait implements notify.Log.
func (l *Log) Wait(ctx context.Context, id notify.ID) error {
	if id.Epoch != notify.StreamEpoch {
		return notify.ErrAhead
	}
	for {
		l.mu.Lock()
		has := id.Seq <= l.read.Seq
		if l.moved == nil {
			l.moved = make(chan struct{})
		}
		moved := l.moved
		l.mu.Unlock()
		if has {
			return nil
		}
		select {
		case <-moved:
		case <-l.ended:
			return notify.ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// advance notes what was delivered. head is the zero ID if no message was.
func (l *Log) advance(head, read notify.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !head.IsZero() {
		l.head = head
	}
	l.read = read
	if l.moved != nil {
		close(l.moved)
		l.moved = nil
	}
}

// Close implements notify.Log. It gives the writer [Timeout] for what waits.
func (l *Log) Close() error {
	l.queue.Close()
	timer := time.NewTimer(l.c.timeout)
	defer timer.Stop()
	select {
	case <-l.written:
	case <-timer.C:
	}
	l.pending.settle(l.ended)
	l.c.Close()
	<-l.written
	<-l.ended
	return nil
}

// Losses returns how often the stream has lost entries that this node had read, or had not read yet.
func (l *Log) Losses() uint64 { return l.losses.Load() }

// Skipped returns how many entries this node has passed over because they are damaged.
func (l *Log) Skipped() uint64 { return l.skipped.Load() }

// Lag returns how long ago this node had read everything. It is at most a second or two while that
// goes well, and 0 before the log is Ready.
func (l *Log) Lag() time.Duration {
	at := l.current.Load()
	if at == 0 {
		return 0
	}
	return max(0, time.Since(time.UnixMilli(at)))
}

// IsUp reports whether the server has answered last, and the log has been read for the first time.
func (l *Log) IsUp() bool { return isClosed(l.known) && !l.c.isDown.Load() }

// skip counts an entry that is damaged.
func (l *Log) skip(e *entry, err error) {
	l.skipped.Add(1)
	l.told.Do(func() {
		l.c.o.Log.Warn("an entry of the stream is damaged and is skipped, as others may be",
			zap.Stringer("id", e.id), zap.String("field", fieldOf(err)))
	})
}

// lose counts a loss.
func (l *Log) lose(reason string, head notify.ID) {
	l.losses.Add(1)
	l.tail.length = length{}
	l.c.o.Log.Error("the stream has lost messages: "+reason, zap.Stringer("read", l.tail.at.id),
		zap.Stringer("continues after", head))
}

var errQueueFull = fmt.Errorf("%w: Redis is slower than the publishers", notify.ErrUnavailable)
