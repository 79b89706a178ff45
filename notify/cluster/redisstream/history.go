package redisstream

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// stepTimeout is how long the tail does one thing, such as reading the history, before it begins again.
const stepTimeout = time.Minute

// history is what readHistory has found, newest first.
type history struct {
	up       streamID // the entry of this node
	to       string   // older entries are to be read
	isLast   bool     // there are none
	after    streamID // older entries are not read
	messages []*notify.Message
	bytes    int64
	forks    []notify.Fork
	marks    []mark
	floor    notify.ID // the position before the oldest message
	isFull   bool      // floor is that of a message
}

// readHistory writes that this node is up and reads what was before that, newest first, until it has
// enough. The next entry to read is the one after its own. After an error the next call goes on where
// this one has ended.
func (l *Log) readHistory(ctx context.Context) error {
	t := &l.tail
	if t.history == nil {
		h, err := l.beginHistory(ctx)
		if err != nil {
			return err
		}
		t.history = h
	}
	h := t.history
	for !h.isLast && !h.isFull {
		if err := l.readOlder(ctx, h); err != nil {
			return err
		}
	}
	state, newest, err := l.readRetained(ctx, h.up.position())
	if err != nil {
		return err
	}
	l.keep(h)
	t.history, t.state = nil, state
	t.expect(newest)
	return nil
}

// beginHistory writes that this node is up.
func (l *Log) beginHistory(ctx context.Context) (*history, error) {
	up, err := l.signalUp(ctx)
	if isReadOnly(err) {
		up, err = l.newest(ctx, err) // clients can come back although nothing can be published
	}
	if err != nil {
		return nil, err
	}
	h := &history{up: up, to: up.String()}
	if age := uint64(l.o.HistoryTTL.Milliseconds()); age < up.ms {
		h.after = streamID{up.ms - age, 0}
	}
	return h, nil
}

// readOlder reads the next page of the history. If the entry of this node is still there after that, all
// pages are of one stream.
func (l *Log) readOlder(ctx context.Context, h *history) error {
	t, up := &l.tail, h.up.String()
	replies := l.fetch(ctx, t.page, [][]any{{"xrevrange", l.stream, h.to, "-", "count", int(t.page)},
		{"xrange", l.stream, up, up}})
	t.page = t.page.after(replies[1].Err())
	entries, err := readRange(replies[0])
	if err != nil {
		return err
	}
	own, err := readRange(replies[1])
	if err != nil {
		return err
	}
	if len(own) != 1 || len(h.marks) > 0 && own[0].hash != h.marks[0].hash ||
		len(h.marks) == 0 && (len(entries) == 0 || entries[0].id != h.up) {
		t.history = nil
		return fmt.Errorf("%w: entry %v is gone", notify.ErrUnavailable, h.up)
	}
	for i := range entries {
		if l.recall(h, &entries[i]); h.isFull {
			return nil
		}
	}
	if h.isLast = len(entries) < int(t.page); !h.isLast {
		h.to = "(" + entries[len(entries)-1].id.String()
	}
	t.page = t.page.next(len(entries), sizeOf(entries))
	return nil
}

// recall adds an entry to the history.
func (l *Log) recall(h *history, e *entry) {
	if len(h.marks) < ringSize {
		h.marks = append(h.marks, mark{e.id, e.hash})
	}
	h.floor = e.id.position()
	isOld := e.id.compare(h.after) < 0
	m, signal, _, _ := l.message(e)
	switch {
	case signal != nil && signal.Fork != nil && !isOld:
		h.forks = append(h.forks, *signal.Fork)
	case m == nil:
	case isOld || h.bytes+int64(e.size) > l.o.TailBytes:
		h.isFull = true // a client that has this message has missed nothing
	case m.Volatile: // it was for those who were connected
	default:
		m.Stored = e.time()
		h.messages, h.bytes = append(h.messages, m), h.bytes+int64(e.size)
	}
}

// keep makes the history the one to deliver.
func (l *Log) keep(h *history) {
	if n := len(h.messages); n > 0 && !h.isFull && h.floor == h.messages[n-1].ID {
		h.floor.Seq-- // nobody knows what was before the first entry
	}
	slices.Reverse(h.marks)
	slices.Reverse(h.messages)
	slices.Reverse(h.forks)
	t := &l.tail
	t.ring.cut(h.marks)
	t.at = h.marks[len(h.marks)-1]
	t.newest, t.forks = h.messages, h.forks
	head := h.floor
	if n := len(h.messages); n > 0 {
		head = h.messages[n-1].ID
	}
	t.floor, l.up = h.floor, h.up
	l.advance(head, notify.ID{})
}

// deliverHistory is the first delivery.
func (l *Log) deliverHistory() {
	t := &l.tail
	read := t.at.id.position()
	l.hand(notify.Batch{State: t.state, Loss: &notify.Loss{Head: t.floor}, Messages: t.newest,
		Retained: true}, nil, read)
	for i := range t.forks {
		l.hand(notify.Batch{Fork: &t.forks[i]}, nil, read)
	}
	t.newest, t.forks, t.state = nil, nil, nil
	l.current.Store(time.Now().UnixMilli())
}

// signalUp writes that this node is up, so that there is an entry at the position of the node, from
// which Node can resume.
func (l *Log) signalUp(ctx context.Context) (streamID, error) {
	return l.writeSignal(ctx, nodewire.Signal{Kind: nodewire.SignalUp}, "*")
}

// newest returns the id of the newest entry, or an error if there is none.
func (l *Log) newest(ctx context.Context, none error) (streamID, error) {
	entries, err := readRange(l.fetch(ctx, 1, [][]any{{"xrevrange", l.stream, "+", "-", "count", 1}})[0])
	if err == nil && len(entries) == 0 {
		err = none
	}
	if err != nil {
		return streamID{}, err
	}
	return entries[0].id, nil
}
