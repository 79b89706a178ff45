package redisstream

import (
	"context"
	"fmt"
	"sort"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// state is what the stream has, at one moment.
type state struct {
	exists bool
	at     []entry  // at the position of the tail
	first  []entry  // none if it is empty
	top    streamID // the highest id that it has given
	length int      // entries
	added  int      // since it was created; 0: unknown, as in Redis 6.2
}

// isNew reports whether no entry was ever removed from the stream, as far as the server tells.
func (s *state) isNew() bool { return s.added > 0 && s.added == s.length }

// verify finds out why the entry at the position of the tail is not there, or is another one, and lets
// the tail go on. The stream can be
//
//   - trimmed: the entries up to its first one are lost for this node;
//   - gone: the server has restarted without its data, and perhaps another one has written since then;
//   - forked: a replica has taken over that had not got the newest entries. Those after the last common
//     one are lost, and others can have ids between them. Readers that only ask for later ids would
//     miss these for ever, so the signal fork raises the ids above those that were lost.
func (l *Log) verify(ctx context.Context) error {
	t := &l.tail
	s, err := l.readState(ctx)
	switch {
	case err != nil:
		return err
	case !s.exists:
		t.isGone = true
		_, err := l.raise(ctx, l.forkFrom(noPosition), t.highest())
		return err
	case len(s.at) == 1 && s.at[0].hash == t.at.hash:
		t.isGone = false
		return nil
	case len(s.first) == 0:
		_, err := l.signalUp(ctx)
		return err
	case t.isGone:
		return l.begin(ctx, "the stream was gone", noPosition, s.first)
	case s.first[0].id.compare(t.at.id) > 0 && s.isNew():
		fork := l.forkFrom(noPosition)
		t.fork = &fork
		return l.begin(ctx, "the stream was gone", noPosition, s.first)
	case s.first[0].id.compare(t.at.id) > 0:
		before := s.first[0].id.position()
		before.Seq--
		return l.begin(ctx, "they were removed before this node had read them", before, s.first)
	}
	return l.goBack(ctx, s)
}

// noPosition is the position before the first entry of a stream.
var noPosition = notify.ID{Epoch: notify.StreamEpoch}

// begin goes on with the first entry of the stream, after a loss up to head.
func (l *Log) begin(ctx context.Context, reason string, head notify.ID, first []entry) error {
	state, newest, err := l.readRetained(ctx, head)
	if err != nil {
		return err
	}
	l.lose(reason, head)
	l.tail.ring, l.tail.isGone = ring{}, false
	l.tail.expect(mark{})
	l.accept(ctx, notify.Batch{State: state, Loss: &notify.Loss{Head: head}}, first)
	l.tail.expect(newest)
	return nil
}

// goBack goes on after the newest entry that the stream still has.
func (l *Log) goBack(ctx context.Context, s state) error {
	t := &l.tail
	marks := t.ring.all()
	oldest := sort.Search(len(marks), func(i int) bool { return marks[i].id.compare(s.first[0].id) >= 0 })
	var err error
	common := oldest + sort.Search(len(marks)-oldest, func(i int) bool {
		has := false
		if err == nil { // else the search only ends
			has, err = l.has(ctx, marks[oldest+i])
		}
		return !has
	})
	if err != nil {
		return err
	}
	head := noPosition
	if common > oldest {
		head = marks[common-1].id.position()
	}
	fork := l.forkFrom(head)
	isRaised := false
	if top := t.highest(); s.top.compare(top) <= 0 {
		if isRaised, err = l.raise(ctx, fork, top); err != nil {
			return err
		}
	}
	if t.fork = &fork; isRaised {
		t.fork = nil
	}
	const reason = "a server has taken over that did not have them"
	if common == oldest {
		return l.begin(ctx, reason, head, s.first)
	}
	state, newest, err := l.readRetained(ctx, head)
	if err != nil {
		return err
	}
	l.lose(reason, head)
	t.ring.cut(marks[:common])
	t.at, t.size = marks[common-1], 0
	t.expect(newest)
	l.hand(notify.Batch{State: state, Loss: &notify.Loss{Head: head}}, nil, t.at.id.position())
	return nil
}

// has reports whether the stream has an entry.
func (l *Log) has(ctx context.Context, of mark) (bool, error) {
	id := of.id.String()
	_, has, err := of.in(l.fetch(ctx, 1, [][]any{{"xrange", l.stream, id, id}})[0])
	return has, err
}

// in reports whether a reply of XRANGE is the entry, and its size.
func (m mark) in(reply *redis.Cmd) (size int, is bool, err error) {
	entries, err := readRange(reply)
	if err != nil || len(entries) != 1 || entries[0].hash != m.hash {
		return 0, false, err
	}
	return entries[0].size, true, nil
}

// isWithin reports whether the stream, of which a reply of info is, has entries, and has given the id at
// the position of the tail.
func (t *tail) isWithin(reply *redis.Cmd) (bool, error) {
	var s state
	err := s.readInfo(reply.Result())
	return s.length > 0 && s.top.compare(t.at.id) >= 0, err
}

// highest returns the id of the last entry that the tail has read. Ids that another program has given and
// that are too late for messages do not count: those after a fork need not be above them, and a stream that
// was deleted because of them begins again.
func (t *tail) highest() streamID {
	if !t.at.id.isTooLate() {
		return t.at.id
	}
	marks := t.ring.all()
	n := sort.Search(len(marks), func(i int) bool { return marks[i].id.isTooLate() })
	if n == 0 {
		return streamID{}
	}
	return marks[n-1].id
}

// forkFrom returns the signal that the entries after a position, up to that of the tail, are lost.
func (l *Log) forkFrom(from notify.ID) nodewire.Signal {
	return nodewire.Signal{Kind: nodewire.SignalFork, From: from, To: l.tail.highest().position()}
}

// readState reads the state of the stream.
func (l *Log) readState(ctx context.Context) (s state, err error) {
	at, stream := l.tail.at.id.String(), l.stream
	replies := l.fetch(ctx, 1, [][]any{{"multi"}, {"xrange", stream, at, at}, l.info(), {"exec"}})
	parts, err := replies[3].Slice()
	if err != nil {
		return s, err
	}
	if len(parts) != 2 {
		return s, errReply
	}
	if s.at, err = readEntries(parts[0]); err != nil {
		return s, err
	}
	err, _ = parts[1].(error)
	return s, s.readInfo(parts[1], err)
}

// info returns the command for readInfo. Without FULL the server would also reply the newest entry.
func (l *Log) info() []any { return []any{"xinfo", "stream", l.stream, "full", "count", 1} }

// readInfo reads the reply of info, names and values, or its error.
func (s *state) readInfo(reply any, err error) error {
	if err != nil {
		if redis.HasErrorPrefix(err, "no such key") {
			return nil
		}
		return err
	}
	s.exists = true
	fields, _ := reply.([]any)
	for i := 0; i+1 < len(fields); i += 2 {
		switch fields[i] {
		case "length":
			n, _ := fields[i+1].(int64)
			s.length = int(n)
		case "entries-added":
			n, _ := fields[i+1].(int64)
			s.added = int(n)
		case "last-generated-id":
			text, _ := fields[i+1].(string)
			id, ok := parseID(text)
			if !ok {
				return errReply
			}
			s.top = id
		case "entries":
			var err error
			if s.first, err = readEntries(fields[i+1]); err != nil {
				return fmt.Errorf("entries: %w", err)
			}
		}
	}
	return nil
}
