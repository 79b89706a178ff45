package disklog

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/internal/queue"
)

// Log is the log of a Store. Its writers store what the calls of Append have queued, many messages with
// one sync, and deliver them after that.
type Log struct {
	s     *Store
	epoch atomic.Uint32
	fresh bool // the epoch has begun with this process
	queue *queue.Queue[*call]
	ended chan struct{} // closed when the writers have ended
	sync  *pebble.WriteOptions

	head    atomic.Uint64 // the last stored message
	floor   atomic.Uint64 // everything up to here is dropped
	floors  floors        // of rooms that have lost more
	losses  atomic.Uint64
	broken  atomic.Pointer[error] // why the writer has to give up what is stored; nil: it has not
	dropped atomic.Uint64         // files of Pebble up to this number have been given up
	dirty   atomic.Bool           // with SyncInterval: something is written and not synced

	// turn has one value: the writer that has it waits for calls and makes the next commit of them. The
	// one that has the value of last waits for the sync of the last commit, and delivers it. Both are
	// no Mutex, because a clock of synctest stands still while somebody waits for one.
	turn, last chan struct{}
	stopped    atomic.Bool // a writer has ended
	ticks      *time.Ticker
	syncs      <-chan time.Time // with SyncInterval

	// making is held while a commit is made, and by tend and heal. It comes before delivering.
	making  sync.Mutex
	made    uint64 // the last message of the last commit
	chunks  chunks
	stored  int64       // bytes since tend
	overdue atomic.Bool // tend waits until what it can drop is delivered
	buf     []byte      // scratch memory of a commit

	// delivering is held for each delivery.
	delivering sync.Mutex
	deliver    func(notify.Batch) (after func())
	newest     []*notify.Message // at the start, until Follow

	space space // has a lock of its own
}

func newLog(s *Store, m meta) (*Log, error) {
	l := &Log{s: s, fresh: m.fresh, queue: queue.New[*call](errQueueFull), ended: make(chan struct{}),
		turn: make(chan struct{}, 1), last: make(chan struct{}, 1),
		sync: pebble.Sync, space: space{o: s.o}, chunks: newChunks(s.o)}
	if s.o.SyncInterval > 0 {
		l.sync = pebble.NoSync
	}
	l.epoch.Store(m.epoch)
	l.floor.Store(m.floor)
	l.floors.replace(m.rooms)
	if err := l.load(); err != nil {
		return nil, err
	}
	var err error
	if l.newest, err = l.tail(); err != nil {
		return nil, err
	}
	return l, nil
}

// Head implements notify.Log.
func (l *Log) Head() notify.ID { return l.id(l.head.Load()) }

func (l *Log) id(seq uint64) notify.ID { return notify.ID{Epoch: l.epoch.Load(), Seq: seq} }

// Ready implements notify.Log.
func (l *Log) Ready() <-chan struct{} { return ready }

var ready = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Wait implements notify.Log. It waits for a delivery that runs, and for no other message.
func (l *Log) Wait(_ context.Context, id notify.ID) error {
	if head := l.Head(); id.Epoch != head.Epoch || id.Seq > head.Seq {
		return notify.ErrAhead
	}
	l.delivering.Lock() // what is stored is delivered under the same lock
	defer l.delivering.Unlock()
	return nil
}

// Close implements notify.Log. The Store closes its log.
func (l *Log) Close() error {
	l.queue.Close()
	<-l.ended
	return nil
}

// room reports whether something may be written.
func (l *Log) room() error {
	if l.hasEnded() {
		return notify.ErrClosed
	}
	return l.space.check()
}

// reserve reports whether something small may be written that must be possible on a full disk too.
func (l *Log) reserve() error {
	if l.hasEnded() {
		return notify.ErrClosed
	}
	return l.space.has(l.s.o.MinFree / 2)
}

func (l *Log) hasEnded() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// synced returns when everything that was written is synced. With SyncInterval it leaves that to the
// writer.
func (l *Log) synced() error {
	if l.s.o.SyncInterval > 0 {
		l.dirty.Store(true)
		return nil
	}
	if err := l.s.db.LogData(nil, pebble.Sync); err != nil {
		l.s.o.Fatal(err)
	}
	return nil
}

// Follow implements notify.Log. It delivers the newest messages, as many as fit into
// Options.TailBytes.
func (l *Log) Follow(deliver func(notify.Batch) (after func())) {
	l.delivering.Lock()
	tail := l.newest
	l.newest = nil
	begin := l.head.Load()
	if len(tail) > 0 {
		begin = tail[0].ID.Seq - 1
	}
	l.deliver = deliver
	after := deliver(notify.Batch{
		Loss: &notify.Loss{Head: l.id(begin)}, Messages: tail, Retained: true,
	})
	l.delivering.Unlock()
	if after != nil {
		after()
	}
}

// raise raises the floor.
func (l *Log) raise(to uint64) {
	for {
		floor := l.floor.Load()
		if floor >= to || l.floor.CompareAndSwap(floor, to) {
			return
		}
	}
}

// successor returns the first key after those of a prefix, which ends with "/".
func successor(prefix string) []byte {
	return append([]byte(prefix[:len(prefix)-1]), '/'+1)
}

// Losses returns how often stored messages were found damaged, since and at the start.
func (l *Log) Losses() uint64 { return l.losses.Load() }

// Size returns about how many bytes the messages take.
func (l *Log) Size() int64 {
	l.making.Lock()
	defer l.making.Unlock()
	return l.chunks.bytes
}
