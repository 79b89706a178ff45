package redisstream

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// readRetained returns what the server retains, for a tail that goes on after at. What changes while
// it reads is in the stream, too. newest is the newest entry of the stream after that. If the tail does
// not find it in its place, another server has taken over, and the state has to be read again: it can
// have messages that are lost.
func (l *Log) readRetained(ctx context.Context, at notify.ID) (
	state *notify.RetainedState, newest mark, err error,
) {
	state = &notify.RetainedState{At: at}
	if l.o.RetainedBytes <= 0 {
		return state, mark{}, nil
	}
	server, err := l.c.server(ctx)
	if err != nil {
		return nil, mark{}, l.c.result(err)
	}
	conn := server.WithTimeout(l.c.timeoutOf(l.tail.scan)).Conn() // a cursor is of one server
	defer func() { _ = conn.Close() }()
	if state.Messages, err = l.scanRetained(ctx, conn); err != nil {
		return nil, mark{}, l.c.result(err)
	}
	last := redis.NewCmd(ctx, "xrevrange", l.stream, "+", "-", "count", 1)
	_ = conn.Process(ctx, last) // last has the error
	entries, err := readRange(last)
	if err != nil {
		l.tail.scan = 1 // the entry can be large: the next connection has the time for one
		return nil, mark{}, l.c.result(err)
	}
	if len(entries) > 0 {
		newest = mark{entries[0].id, entries[0].hash}
	}
	return state, newest, nil
}

// scanRetained returns the messages of the hash, oldest first.
func (l *Log) scanRetained(ctx context.Context, conn *redis.Conn) ([]*notify.Message, error) {
	found, bytes := map[string]*notify.Message{}, int64(0)
	asked := l.tail.scan
	for cursor := uint64(0); ; { // it is 0 again at the end
		pairs, next, err := conn.HScan(ctx, l.c.retainedKey(), cursor, "", int64(asked)).Result()
		if err != nil {
			l.tail.scan = asked.after(err)
			return nil, err
		}
		size := 0
		for _, text := range pairs {
			size += len(text)
		}
		asked = asked.next(len(pairs)/2, size)
		for i := 0; i+1 < len(pairs); i += 2 {
			slot, value := pairs[i], pairs[i+1]
			m := l.retainedMessage(slot, value)
			if m == nil {
				continue
			}
			if found[slot] == nil { // a scan can return some twice
				bytes += int64(len(slot) + len(value))
			}
			if bytes > l.o.RetainedBytes {
				l.c.o.Log.Error("the retained notifications of all nodes take more than "+
					"RETAINED_MAX_BYTES: this node has only some of them", zap.Int("read", len(found)))
				next = 0
				break
			}
			found[slot] = m
		}
		if cursor = next; cursor == 0 {
			l.tail.scan = firstPage
			return slices.SortedFunc(maps.Values(found), func(a, b *notify.Message) int {
				// Another program can write two with one id, of which all nodes keep the same one.
				return cmp.Or(cmp.Compare(a.ID.Seq, b.ID.Seq), cmp.Compare(a.Type, b.Type))
			}), nil
		}
	}
}

// retainedMessage returns the message of a slot, or nil if its time is over or it is damaged: the
// application publishes its state again.
func (l *Log) retainedMessage(slot, value string) *notify.Message {
	m, err := decodeRetained(value)
	if err == nil && (!m.Retain || len(m.Rooms) != 1 || retainedSlot(m.Rooms[0], m.Type) != slot) {
		err = &nodewire.SkipError{Field: "stored", Reason: "is of another room or type"}
	}
	if err != nil {
		l.skipped.Add(1)
		l.told.Do(func() {
			l.c.o.Log.Warn("a retained notification is damaged and is skipped, as others may be",
				zap.Error(err))
		})
		return nil
	}
	if m.TTL > 0 && l.of.o.Now().Sub(m.Timestamp) >= m.TTL {
		return nil
	}
	return m
}

func decodeRetained(value string) (*notify.Message, error) {
	s, err := nodewire.DecodeStored(value)
	if err != nil {
		return nil, err
	}
	e, err := nodewire.Decode(s.Fields)
	if err != nil {
		return nil, err
	}
	return e.Message(s.ID, time.Time{}) // messages that are retained have their own time
}

// reload is for a tail that has not found the newest entry of the state that it has read.
func (l *Log) reload(ctx context.Context) error {
	t := &l.tail
	state, newest, err := l.readRetained(ctx, t.at.id.position())
	if err != nil {
		return err
	}
	t.expect(newest)
	l.hand(notify.Batch{State: state}, nil, t.at.id.position())
	return nil
}

// expect notes the newest entry of a state.
func (t *tail) expect(newest mark) {
	t.isStale = false
	if t.expected = newest; newest.id.compare(t.at.id) <= 0 {
		t.expected = mark{} // verify finds a difference
	}
}

// meet is called for each entry that the tail reads.
func (t *tail) meet(m mark) {
	if t.expected == (mark{}) || m.id.compare(t.expected.id) < 0 {
		return
	}
	t.isStale = t.isStale || m != t.expected
	t.expected = mark{}
}
