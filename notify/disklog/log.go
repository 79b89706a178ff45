package disklog

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/roomcast/roomcast/notify"
)

// Log is the log of a Store. One goroutine stores what the calls of Append have queued: many messages
// with one sync. It delivers them after that.
type Log struct {
	s     *Store
	epoch atomic.Uint32
	fresh bool // the epoch has begun with this process
	queue *queue
	ended chan struct{} // closed when the writer has ended
	sync  *pebble.WriteOptions

	head    atomic.Uint64 // the last stored message
	floor   atomic.Uint64 // everything up to here is dropped
	floors  floors        // of rooms that have lost more
	losses  atomic.Uint64
	broken  atomic.Pointer[error] // why the writer has to give up what is stored; nil: it has not
	dropped atomic.Uint64         // files of Pebble up to this number have been given up
	dirty   atomic.Bool           // with SyncInterval: something is written and not synced

	// committing is held for a commit with its delivery, and for Follow.
	committing sync.Mutex
	deliver    func(notify.Batch) (after func())
	newest     []*notify.Message // at the start, until Follow
	chunks     chunks
	stored     int64  // bytes since tend
	space      space  // has a lock of its own
	buf        []byte // scratch memory of a commit
}

func newLog(s *Store, m meta) (*Log, error) {
	l := &Log{s: s, fresh: m.fresh, queue: newQueue(), ended: make(chan struct{}),
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
	l.committing.Lock() // what is stored is delivered under the same lock
	defer l.committing.Unlock()
	return nil
}

// Close implements notify.Log. The Store closes its log.
func (l *Log) Close() error {
	l.queue.close()
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

const tick = time.Second

// write is the goroutine that stores.
func (l *Log) write() {
	defer close(l.ended)
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	var syncs <-chan time.Time // nil: every commit syncs
	if l.s.o.SyncInterval > 0 {
		ticker := time.NewTicker(l.s.o.SyncInterval)
		defer ticker.Stop()
		syncs = ticker.C
	}
	for {
		l.heal()
		calls, closed := l.queue.take()
		if len(calls) > 0 {
			l.commit(calls)
			continue
		}
		if closed {
			return
		}
		select {
		case <-l.queue.filled:
		case <-ticks.C:
			l.tend()
			if err := errors.Join(l.s.sweepValues(), l.s.tickets.sweep()); err != nil {
				l.s.o.Fatal(err)
			}
		case <-syncs:
			if l.dirty.Swap(false) {
				if err := l.s.db.LogData(nil, pebble.Sync); err != nil {
					l.s.o.Fatal(err)
				}
			}
		}
	}
}

// commit stores the messages of calls, delivers them, and tells the callers.
func (l *Log) commit(calls []*call) {
	err := l.space.check()
	var after func()
	if err == nil {
		l.committing.Lock()
		var messages []*notify.Message
		if messages, err = l.store(calls); err != nil {
			l.s.o.Fatal(err)
		} else if l.deliver != nil && len(messages) > 0 {
			after = l.deliver(notify.Batch{Messages: messages})
		}
		l.committing.Unlock()
	}
	if after != nil {
		after()
	}
	for _, c := range calls {
		if err != nil {
			c.err = err
		}
		c.done <- c.err
	}
	l.tend()
}

// store writes the messages in one batch, with their claims, and gives them their ids. A call whose
// claim has a value already gets an error.
func (l *Log) store(calls []*call) (messages []*notify.Message, err error) {
	b := l.s.db.NewBatch()
	defer b.Close()
	seq, now, known := l.head.Load(), l.s.o.Now(), make(claims)
	set := func(key, value []byte) {
		if err == nil {
			err = b.Set(key, value, nil)
		}
	}
	for _, c := range calls {
		if c.err = known.check(c); c.err != nil {
			continue
		}
		for _, m := range c.messages {
			seq++
			m.ID = l.id(seq)
			l.buf = appendEntry(l.buf[:0], m, now)
			set(logKey(seq), l.buf)
			for _, room := range m.Rooms {
				set(roomKey(room, seq), nil)
			}
			if m.Retain {
				set(retainedKey(m.Rooms[0], m.Type), append(idOf(m), l.buf...))
			}
			l.stored += int64(size(m))
			if full := l.chunks.add(m, now); full && err == nil {
				err = setRecords(b, l.chunks.full[len(l.chunks.full)-1:])
			}
			messages = append(messages, m)
		}
		if err == nil {
			err = known.stage(b, c)
		}
	}
	if cap(l.buf) > maxCommitBytes {
		l.buf = nil
	}
	if err != nil {
		return nil, err
	}
	if err := b.Commit(l.sync); err != nil {
		return nil, err
	}
	l.dirty.Store(true)
	l.head.Store(seq)
	return messages, l.s.mark.set(l.id(seq))
}

// Follow implements notify.Log. It delivers the newest messages, as many as fit into
// Options.TailBytes.
func (l *Log) Follow(deliver func(notify.Batch) (after func())) {
	l.committing.Lock()
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
	l.committing.Unlock()
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
	l.committing.Lock()
	defer l.committing.Unlock()
	return l.chunks.bytes
}
