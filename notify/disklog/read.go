package disklog

import (
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/roomcast/roomcast/notify"
)

// tail returns the newest messages, oldest first, as many as fit into Options.TailBytes. It returns
// none of those among which a room has lost some: who follows the log expects that it gets all.
func (l *Log) tail() (messages []*notify.Message, err error) {
	it, err := l.s.db.NewIter(&pebble.IterOptions{
		LowerBound: logKey(max(l.floor.Load(), l.floors.highest()) + 1),
		UpperBound: successor(logPrefix),
	})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	bytes := int64(0)
	for ok := it.Last(); ok; ok = it.Prev() {
		value, err := it.ValueAndErr()
		if err != nil {
			return nil, err
		}
		m, err := decodeEntry(l.id(seqOf(it.Key())), value)
		if err != nil {
			return nil, err
		}
		if bytes += int64(size(m)); bytes > l.s.o.TailBytes {
			break
		}
		messages = append(messages, m)
	}
	slices.Reverse(messages)
	return messages, it.Error()
}

// scan calls f with the keys from one to before another.
func (l *Log) scan(from, to []byte, f func(key, value []byte) error) error {
	return scan(l.s.db, from, to, f)
}

func scan(db pebble.Reader, from, to []byte, f func(key, value []byte) error) error {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if err := f(it.Key(), value); err != nil {
			return err
		}
	}
	return it.Error()
}

// Floor implements notify.Archive.
func (l *Log) Floor(hubRoom string) uint64 { return max(l.floor.Load(), l.floors.of(hubRoom)) }

// Read implements notify.Archive.
func (l *Log) Read(in []notify.Span, until uint64, limit int, maxBytes int64) (
	messages []*notify.Message, all bool, err error,
) {
	seqs, err := l.seqs(in, until, limit, false)
	bytes := int64(0)
	for i := 0; i < len(seqs) && err == nil && bytes < maxBytes; i++ {
		var m *notify.Message
		if m, err = l.entry(seqs[i]); err == nil {
			messages = append(messages, m)
			bytes += int64(size(m))
		}
	}
	if lost := l.checked(in, err); lost != nil {
		return nil, false, lost
	}
	return messages, len(messages) == len(seqs) && len(seqs) < limit, nil
}

// Newest implements notify.Archive.
func (l *Log) Newest(in []notify.Span, until uint64, limit int) ([]*notify.Message, error) {
	seqs, err := l.seqs(in, until, limit, true)
	var messages []*notify.Message
	for i := 0; i < len(seqs) && err == nil; i++ {
		m, missing := l.entry(seqs[i])
		if missing == nil {
			messages = append(messages, m)
		} else if l.isListed(in, seqs[i]) {
			err = missing
		}
	}
	if err != nil {
		if l.floor.Load() < until {
			l.suspect(err)
		}
		return nil, notify.ErrTrimmed
	}
	slices.Reverse(messages)
	return messages, nil
}

// checked returns the error of a read of spans that has ended with err. It looks for losses after
// the read: what is dropped meanwhile may be missing.
func (l *Log) checked(in []notify.Span, err error) error {
	if slices.ContainsFunc(in, func(s notify.Span) bool { return s.After < l.Floor(s.Room) }) {
		return notify.ErrTrimmed
	}
	if err != nil {
		l.suspect(err)
		return notify.ErrTrimmed
	}
	return nil
}

// isListed reports whether one of the spans still has a message, or may have it. The message may have
// been dropped since a read found it there.
func (l *Log) isListed(in []notify.Span, seq uint64) bool {
	for _, span := range in {
		if seq <= l.Floor(span.Room) {
			continue
		}
		_, closer, err := l.s.db.Get(roomKey(span.Room, seq))
		if err == nil {
			_ = closer.Close()
		}
		if !errors.Is(err, pebble.ErrNotFound) {
			return true
		}
	}
	return false
}

// entry reads one message.
func (l *Log) entry(seq uint64) (*notify.Message, error) {
	value, closer, err := l.s.db.Get(logKey(seq))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, errEntry
	}
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return decodeEntry(l.id(seq), value)
}

// seqs returns the sequence numbers of the first or the last messages in the spans, merged, each
// once, in the order in which they were found.
func (l *Log) seqs(in []notify.Span, until uint64, limit int, last bool) (seqs []uint64, err error) {
	its := make([]*pebble.Iterator, 0, len(in))
	defer func() {
		for _, it := range its {
			err = errors.Join(err, it.Error(), it.Close())
		}
	}()
	start, step := (*pebble.Iterator).First, (*pebble.Iterator).Next
	earlier := func(a, b uint64) bool { return a < b }
	if last {
		start, step = (*pebble.Iterator).Last, (*pebble.Iterator).Prev
		earlier = func(a, b uint64) bool { return a > b }
	}
	for _, span := range in {
		if span.After >= until {
			continue
		}
		it, err := l.s.db.NewIter(&pebble.IterOptions{
			LowerBound: roomKey(span.Room, span.After+1), UpperBound: roomKey(span.Room, until+1),
		})
		if err != nil {
			return nil, err
		}
		start(it)
		its = append(its, it)
	}
	for len(seqs) < limit {
		next := uint64(0)
		for _, it := range its {
			if it.Valid() && (next == 0 || earlier(seqOf(it.Key()), next)) {
				next = seqOf(it.Key())
			}
		}
		if next == 0 {
			break
		}
		for _, it := range its {
			if it.Valid() && seqOf(it.Key()) == next {
				step(it)
			}
		}
		seqs = append(seqs, next)
	}
	return seqs, nil
}
