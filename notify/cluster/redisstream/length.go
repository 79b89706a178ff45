package redisstream

import (
	"context"

	"go.uber.org/zap"
)

const (
	// lookEvery is how many entries the tail reads between two looks at the length of the stream.
	lookEvery = 2000
	// earlyRemoved is how many entries are missing when another server is said to remove them.
	earlyRemoved = 1000
)

// length finds out whether the stream is kept shorter than this node wants it: each server that writes
// removes the oldest entries above its own number, for all, and Node's adapter keeps 10,000 if it is
// not told otherwise. A look is of a moment: it is compared when the tail has read what the stream had
// then.
type length struct {
	isKnown bool
	was     int // the length at the look with which the count began
	added   int // entries since then
	unseen  int // entries since the last look

	isAsked bool
	now     int      // the length at the look that waits
	top     streamID // the newest entry then
}

// isDue reports whether it is time for a look.
func (s *length) isDue() bool { return !s.isAsked && (!s.isKnown || s.unseen >= lookEvery) }

// ask begins a look.
func (s *length) ask(n int, top streamID) { s.isAsked, s.now, s.top, s.unseen = true, n, top, 0 }

// pass counts an entry that the tail has read. It returns the result of compare for the entries before
// it.
func (s *length) pass(id streamID, maxLen int) (isEarly bool) {
	if id.compare(s.top) > 0 {
		isEarly = s.compare(maxLen)
	}
	s.added++
	s.unseen++
	return isEarly
}

// compare ends a look, if there is one, when everything up to top is counted. It reports whether
// another server has removed entries.
func (s *length) compare(maxLen int) (isEarly bool) {
	if !s.isAsked {
		return false
	}
	s.isAsked = false
	isEarly = s.isKnown && s.now < maxLen && s.was+s.added-s.now >= earlyRemoved
	if !s.isKnown || s.now >= maxLen || isEarly {
		*s = length{isKnown: true, was: s.now}
	}
	return isEarly
}

// watchLength looks at the length of the stream now and then.
func (l *Log) watchLength(ctx context.Context) {
	t := &l.tail
	if t.length.isDue() {
		if s, err := l.readState(ctx); err == nil && s.exists { // else the next read finds out why
			t.length.ask(s.length, s.top)
		}
	}
	if t.at.id.compare(t.length.top) >= 0 && t.length.compare(l.o.MaxLen) {
		l.warnLength()
	}
}

// warnLength says that the stream is kept shorter than MaxLen.
func (l *Log) warnLength() {
	l.trimmed.Do(func() {
		l.c.o.Log.Warn("the stream is kept shorter than REDIS_MAXLEN: another server removes its oldest "+
			"entries, such as one on Node, whose maxLen is 10000 by default",
			zap.Int("entries", l.tail.length.was), zap.Int("REDIS_MAXLEN", l.o.MaxLen))
	})
}
