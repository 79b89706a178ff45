package redisstream

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// historyTimeout is how long the tail reads the history before it begins again.
const historyTimeout = time.Minute

// history is what readHistory has found, newest first.
type history struct {
	after    streamID // older entries are not read
	messages []*notify.Message
	bytes    int64
	forks    []notify.Fork
	marks    []mark
	floor    notify.ID // the position before the oldest message
	isFull   bool      // floor is that of a message
}

// readHistory writes that this node is up and reads what was before that, newest first, until it has
// enough. The next entry to read is the one after its own.
func (l *Log) readHistory(ctx context.Context) error {
	up, err := l.signalUp(ctx)
	if isReadOnly(err) {
		up, err = l.newest(ctx, err) // clients can come back although nothing can be published
	}
	if err != nil {
		return err
	}
	h := &history{}
	if age := uint64(l.o.HistoryTTL.Milliseconds()); age < up.ms {
		h.after = streamID{up.ms - age, 0}
	}
	to, asked := up.String(), l.tail.page
	for isLast := false; !isLast && !h.isFull; {
		replies := l.do(ctx, [][]any{{"xrevrange", l.stream, to, "-", "count", int(asked)}})
		entries, err := readRange(replies[0])
		if err != nil {
			return err
		}
		if len(h.marks) == 0 && (len(entries) == 0 || entries[0].id != up) {
			return fmt.Errorf("%w: entry %v is gone", notify.ErrUnavailable, up)
		}
		for i := range entries {
			if l.recall(h, &entries[i]); h.isFull {
				break
			}
		}
		isLast = len(entries) < int(asked)
		if !isLast {
			to, asked = "("+entries[len(entries)-1].id.String(), asked.next(entries)
		}
	}
	state, newest, err := l.readRetained(ctx, up.position())
	if err != nil {
		return err
	}
	l.keep(h, up)
	l.tail.state = state
	l.tail.expect(newest)
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
func (l *Log) keep(h *history, up streamID) {
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
	t.floor = h.floor
	l.advance(head, notify.ID{})
}

// deliverHistory is the first delivery.
func (l *Log) deliverHistory() {
	t := &l.tail
	l.hand(notify.Batch{State: t.state, Loss: &notify.Loss{Head: t.floor}, Messages: t.newest,
		Retained: true}, nil)
	for i := range t.forks {
		l.hand(notify.Batch{Fork: &t.forks[i]}, nil)
	}
	t.newest, t.forks, t.state = nil, nil, nil
	l.current.Store(time.Now().UnixMilli())
}

// signalUp writes that this node is up, so that there is an entry at the position of the node, from
// which Node can resume.
func (l *Log) signalUp(ctx context.Context) (streamID, error) {
	return l.writeSignal(ctx, nodewire.Signal{Kind: nodewire.SignalUp}, "*")
}

// isReadOnly reports whether a server answers that it stores nothing at present: its memory or disk is
// full, or it is a replica.
func isReadOnly(err error) bool {
	for _, code := range []string{"OOM", "MISCONF", "READONLY", "NOREPLICAS"} {
		if isReply(err) && strings.HasPrefix(err.Error(), code+" ") {
			return true
		}
	}
	return false
}

// newest returns the id of the newest entry, or an error if there is none.
func (l *Log) newest(ctx context.Context, none error) (streamID, error) {
	entries, err := readRange(l.do(ctx, [][]any{{"xrevrange", l.stream, "+", "-", "count", 1}})[0])
	if err == nil && len(entries) == 0 {
		err = none
	}
	if err != nil {
		return streamID{}, err
	}
	return entries[0].id, nil
}
