package redisstream

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// tail is the state of the goroutine that reads the stream.
type tail struct {
	at    mark // the last entry that was read
	size  int  // its size, if it is known
	ring  ring // at, and those before it
	pager      // its page is that of the history, too
	scan  page // of what is retained

	length length
	isGone bool             // the stream was gone, and another begins
	fork   *nodewire.Signal // to write when everything is read; nil: none

	expected mark // the newest entry of the last state of what is retained; zero: it was read
	isStale  bool // expected was not there

	history *history // that is being read

	floor  notify.ID             // the position before the history
	newest []*notify.Message     // of the history, until Follow
	forks  []notify.Fork         // of the history
	state  *notify.RetainedState // at the end of the history, until Follow
	handed bool                  // the follower has the history
}

// follow is the tail.
func (l *Log) follow() {
	defer close(l.ended)
	for wait := newBackoff(); l.c.life.Err() == nil; {
		err := l.step()
		if err == nil {
			wait = newBackoff()
			continue
		}
		if l.tail.isSure = false; !errors.Is(err, ErrUnavailable) { // which the client has told
			l.refused.Do(func() { l.c.o.Log.Error("the stream cannot be read", zap.Error(l.c.clean(err))) })
		}
		wait.sleep(l.c.life)
	}
}

// step reads the history, waits for the follower, or reads what is new.
func (l *Log) step() error {
	ctx, cancel := context.WithTimeout(l.c.life, stepTimeout)
	defer cancel()
	switch {
	case !isClosed(l.known):
		if err := l.readHistory(ctx); err != nil {
			return err
		}
		close(l.known)
	case !l.tail.handed:
		select {
		case <-l.followed:
			l.deliverHistory()
			l.tail.handed = true
		case <-l.c.life.Done():
		}
	case l.tail.isStale:
		return l.reload(ctx)
	default:
		if err := l.readNew(ctx); err != nil {
			return err
		}
		if !isClosed(l.ready) {
			close(l.ready)
		}
	}
	return nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// readNew waits for new entries and delivers them. With the same request it reads the entry before
// them again: if that is there and the same, nothing is missing between them. It runs after the server
// has replied the new entries, so what is removed before it is noticed.
//
// While nothing is new, that would send a large entry again and again. Then the newest id says enough:
// the stream is neither gone nor behind the position, where new entries would have ids that nobody asks
// for. The entry itself is read before new ones are delivered.
func (l *Log) readNew(ctx context.Context) error {
	t, at := &l.tail, l.tail.at.id.String()
	isCostly := t.isSure && t.size > costlyEntry
	check := []any{"xrange", l.stream, at, at}
	switch {
	case isCostly:
		check = l.info()
	case t.size > largeEntry: // which comes again, too
		t.page = 1
	}
	last := redis.NewCmd(ctx, check...)
	entries, err := l.readPage(ctx, &t.pager, at, last)
	if err != nil {
		return err
	}
	isThere := false
	switch {
	case !isCostly:
		t.size, isThere, err = t.at.in(last)
	case len(entries) > 0:
		isThere, err = l.has(ctx, t.at)
	default:
		isThere, err = t.isWithin(last)
	}
	if err != nil {
		return err
	}
	if !isThere {
		return l.verify(ctx)
	}
	t.isGone = false
	l.accept(ctx, notify.Batch{}, entries)
	if !t.isSure {
		return nil
	}
	l.current.Store(time.Now().UnixMilli())
	l.watchLength(ctx)
	return l.writeFork(ctx)
}

// accept delivers entries after what b has.
func (l *Log) accept(ctx context.Context, b notify.Batch, entries []entry) {
	t := &l.tail
	var calls []*call
	read := t.at.id.position()
	if b.Loss != nil {
		read = b.Loss.Head
	}
	b.Messages = slices.Grow(b.Messages, len(entries))
	for i := range entries {
		e := &entries[i]
		t.at, t.size = mark{e.id, e.hash}, e.size
		t.ring.push(t.at)
		t.meet(t.at)
		m, signal, of, other := l.message(e)
		switch {
		case other != nil:
			if isOrdered(other) {
				l.hand(b, calls, read)
				b, calls = notify.Batch{}, nil
			}
			l.calls.hand(other)
		case m != nil:
			b.Messages = append(b.Messages, m)
		case signal != nil:
			l.hand(b, calls, read) // not yet the position of the signal, for which Wait can wait
			b, calls = *signal, nil
		}
		read = t.at.id.position()
		if of != nil {
			calls = append(calls, of)
		}
		if t.length.pass(e.id, l.o.MaxLen) {
			l.warnLength()
		}
	}
	l.hand(b, calls, read)
	switch {
	case len(entries) == 0:
	case t.at.id.isTooLate():
		l.refused.Do(func() {
			l.c.o.Log.Error("the stream takes no more messages, because another program has given an id after "+
				"the year 2109: delete the stream", zap.Stringer("id", t.at.id))
		})
	case t.at.id.n >= bumpAt:
		l.bump(ctx)
	}
}

// message returns the message of an entry, or a batch with what a signal says, and the call of this node
// that a message is of; or what is for calls between servers.
func (l *Log) message(e *entry) (
	m *notify.Message, signal *notify.Batch, of *call, other *nodewire.Entry,
) {
	id, ok := e.id.id()
	if ok && string(e.uid) == l.uid {
		if m, of := l.pending.take(e.rc, id); m != nil {
			return m, nil, of, nil
		}
	}
	decoded, err := nodewire.Decode(e.fields())
	switch {
	case errors.Is(err, nodewire.ErrIgnored):
		return nil, nil, nil, nil
	case err == nil && !ok:
		err = &nodewire.SkipError{Field: "id", Reason: "cannot be that of a message"}
	}
	if err != nil {
		l.skip(e, err)
		return nil, nil, nil, nil
	}
	if decoded.Type == nodewire.TypeSignal {
		return nil, l.signal(decoded), nil, nil
	}
	if decoded.Type != nodewire.TypeBroadcast || decoded.RequestID != "" {
		return nil, nil, nil, decoded
	}
	m, err = decoded.Message(id, e.time())
	if err != nil { // it is for nobody here
		return nil, nil, nil, nil
	}
	return m, nil, nil, nil
}

// hand gives a batch to the follower, if it has something. Everything up to read is delivered then.
func (l *Log) hand(b notify.Batch, calls []*call, read notify.ID) {
	var head notify.ID
	var after func()
	if b.Loss != nil {
		head = b.Loss.Head
	}
	if n := len(b.Messages); n > 0 {
		head = b.Messages[n-1].ID
	}
	if b.State != nil || b.Loss != nil || b.Fork != nil || b.Deleted != nil || len(b.Messages) > 0 {
		after = l.deliver(b)
	}
	l.advance(head, read)
	if after != nil {
		after()
	}
	if len(calls) > 0 {
		l.pending.delivered(calls)
	}
}
