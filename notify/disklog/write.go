package disklog

import (
	"errors"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/internal/queue"
)

const tick = time.Second

// start starts the writers. They take turns: while one waits for the sync of its commit and delivers
// it, the other one makes the next commit.
func (l *Log) start() {
	l.made = l.head.Load()
	l.ticks = time.NewTicker(tick)
	stop := l.ticks.Stop
	if l.s.o.SyncInterval > 0 {
		ticker := time.NewTicker(l.s.o.SyncInterval)
		l.syncs = ticker.C
		stop = func() { l.ticks.Stop(); ticker.Stop() }
	}
	l.turn <- struct{}{}
	l.last <- struct{}{}
	var writers sync.WaitGroup
	for range 2 {
		writers.Go(func() {
			defer func() { // Fatal may have ended the goroutine
				l.stopped.Store(true)
				l.queue.Wake()
			}()
			for l.store() {
			}
		})
	}
	go func() {
		writers.Wait()
		stop()
		close(l.ended)
	}()
}

// store makes and settles a commit. It returns false when there will be no more.
func (l *Log) store() bool {
	c := l.next()
	if c == nil {
		return false
	}
	if after := l.settle(c); after != nil {
		after()
	}
	for _, of := range c.calls {
		if c.err != nil {
			of.err = c.err
		}
		of.done <- of.err
	}
	return true
}

// next makes a commit in its turn. It returns nil when there will be no more.
func (l *Log) next() *commit {
	<-l.turn
	defer func() { l.turn <- struct{}{} }()
	calls := l.wait()
	if len(calls) == 0 {
		return nil
	}
	c := l.make(calls)
	<-l.last // before the next commit can be made: they are settled in their order
	return c
}

// wait returns the calls for the next commit, or none after Close. It tends the log until then.
func (l *Log) wait() []*call {
	for !l.stopped.Load() {
		l.heal()
		l.tend()
		calls, closed := l.queue.Take()
		if len(calls) > 0 || closed {
			return calls
		}
		select {
		case <-l.queue.Filled:
		case <-l.ticks.C:
			if err := errors.Join(l.s.sweepValues(), l.s.tickets.sweep()); err != nil {
				l.s.o.Fatal(err)
			}
		case <-l.syncs:
			if l.dirty.Swap(false) {
				if err := l.s.db.LogData(nil, pebble.Sync); err != nil {
					l.s.o.Fatal(err)
				}
			}
		}
	}
	return nil
}

// commit is what the writers store at once.
type commit struct {
	calls    []*call
	batch    *pebble.Batch
	messages []*notify.Message
	last     uint64 // the sequence number of the last message
	err      error
}

// make writes the messages of calls to the store, without waiting for the sync.
func (l *Log) make(calls []*call) *commit {
	c := &commit{calls: calls, err: l.space.check()}
	if c.err != nil {
		return c
	}
	l.making.Lock()
	defer l.making.Unlock()
	c.batch = l.s.db.NewBatch()
	c.err = l.fill(c)
	switch {
	case c.err != nil:
	case !l.sync.Sync:
		c.err = c.batch.Commit(l.sync)
	default:
		c.err = l.s.db.ApplyNoSyncWait(c.batch, l.sync)
	}
	if c.err != nil {
		l.s.o.Fatal(c.err)
	}
	l.made = c.last
	return c
}

// fill puts the messages of the calls into the batch, with their claims, and gives them their ids. A
// call whose claim has a value already gets an error.
func (l *Log) fill(c *commit) (err error) {
	b, now, known := c.batch, l.s.o.Now(), make(claims)
	c.last = l.made
	set := func(key, value []byte) {
		if err == nil {
			err = b.Set(key, value, nil)
		}
	}
	for _, of := range c.calls {
		if of.err = known.check(of); of.err != nil {
			continue
		}
		for _, m := range of.messages {
			c.last++
			m.ID = l.id(c.last)
			l.buf = appendEntry(l.buf[:0], m, now)
			set(logKey(c.last), l.buf)
			for _, room := range m.Rooms {
				set(roomKey(room, c.last), nil)
			}
			if m.Retain {
				set(retainedKey(m.Rooms[0], m.Type), append(idOf(m), l.buf...))
			}
			l.stored += int64(size(m))
			if full := l.chunks.add(m, now); full && err == nil {
				err = setRecords(b, l.chunks.full[len(l.chunks.full)-1:])
			}
			c.messages = append(c.messages, m)
		}
		if err == nil {
			err = known.stage(b, of)
		}
	}
	if cap(l.buf) > queue.BatchBytes {
		l.buf = nil
	}
	return err
}

// settle waits until a commit is synced, and delivers its messages.
func (l *Log) settle(c *commit) (after func()) {
	defer func() { l.last <- struct{}{} }()
	if c.batch == nil {
		return nil
	}
	defer c.batch.Close()
	if c.err != nil {
		return nil
	}
	if l.sync.Sync {
		c.err = c.batch.SyncWait()
	}
	if c.err == nil {
		l.dirty.Store(true)
		c.err = l.s.mark.set(l.id(c.last))
	}
	if c.err != nil {
		l.s.o.Fatal(c.err)
		return nil
	}
	l.delivering.Lock()
	defer l.delivering.Unlock()
	l.head.Store(c.last)
	if l.overdue.Swap(false) {
		l.queue.Wake()
	}
	if l.deliver == nil || len(c.messages) == 0 {
		return nil
	}
	return l.deliver(notify.Batch{Messages: c.messages})
}
