package disklog

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"go.uber.org/zap"
)

// Queue keeps events by their numbers, from 1. One goroutine calls its methods.
type Queue struct {
	s      *Store
	prefix string
}

// Queue returns the queue of a name, which has no slash.
func (s *Store) Queue(name string) *Queue { return &Queue{s, queuePrefix + name + "/"} }

// lostNumber is the number under which a queue has how many events are lost.
const lostNumber = 0

func (q *Queue) key(number uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte(q.prefix), number)
}

// Load returns the events in the order of their numbers, and how many are lost. A damaged queue is
// dropped, and the log says so.
func (q *Queue) Load() (numbers []uint64, events [][]byte, lost uint64, err error) {
	err = q.s.Log().scan([]byte(q.prefix), successor(q.prefix), func(key, value []byte) error {
		if len(key) != len(q.prefix)+8 {
			return errEntry
		}
		number := seqOf(key)
		if number != lostNumber {
			numbers, events = append(numbers, number), append(events, slices.Clone(value))
			return nil
		}
		if len(value) != 8 {
			return errEntry
		}
		lost = binary.BigEndian.Uint64(value)
		return nil
	})
	if damaged(err) {
		q.s.o.Log.Error("stored webhooks are damaged: they are dropped", zap.Error(err))
		return nil, nil, 0, q.s.db.DeleteRange([]byte(q.prefix), successor(q.prefix), pebble.NoSync)
	}
	return numbers, events, lost, err
}

// Save removes the events of ranges, each from a number to before another, and stores events and how
// many are lost. The error wraps notify.ErrUnavailable when the disk is full.
func (q *Queue) Save(gone [][2]uint64, numbers []uint64, events [][]byte, lost uint64) error {
	if err := q.s.Log().room(); err != nil {
		return err
	}
	q.s.state.RLock()
	defer q.s.state.RUnlock()
	b := q.s.db.NewBatch()
	defer b.Close()
	for _, of := range gone {
		if err := b.DeleteRange(q.key(of[0]), q.key(of[1]), nil); err != nil {
			return err
		}
	}
	for i, event := range events {
		if err := b.Set(q.key(numbers[i]), event, nil); err != nil {
			return err
		}
	}
	if err := b.Set(q.key(lostNumber), number(lost), nil); err != nil {
		return err
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		q.s.o.Fatal(err)
	}
	return q.s.Log().synced()
}

// KeepQueues removes all queues except for some.
func (s *Store) KeepQueues(names []string) error {
	others := map[string]bool{}
	err := s.Log().scan([]byte(queuePrefix), successor(queuePrefix), func(key, _ []byte) error {
		name, _, _ := strings.Cut(string(key[len(queuePrefix):]), "/")
		if !slices.Contains(names, name) {
			others[name] = true
		}
		return nil
	})
	if damaged(err) {
		return nil // Load drops what is damaged
	}
	for name := range others {
		prefix := queuePrefix + name + "/"
		if err := s.db.DeleteRange([]byte(prefix), successor(prefix), pebble.NoSync); err != nil {
			return err
		}
	}
	return err
}
