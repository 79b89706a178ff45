package disklog

import (
	"bytes"
	"math/big"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"go.uber.org/zap"
)

// salvageTime is how long heal may search for what can be read.
const salvageTime = 2 * time.Second

// maxSalvaged is the size of what heal keeps. All of it has bounds, which are lower by default.
const maxSalvaged = 256 << 20

type entry struct{ key, value []byte }

// salvaged is what could be read of a damaged store besides the messages.
type salvaged struct {
	entries []entry
	bytes   int
	counts  map[string]int
	skipped int // parts that cannot be read
	late    bool
}

func (s *salvaged) field() zap.Field {
	return zap.Dict("kept", zap.Int("sessions", s.counts[sessionPrefix]),
		zap.Int("retained", s.counts[retainedPrefix]), zap.Int("answers", s.counts[valuePrefix]),
		zap.Int("webhooks", s.counts[queuePrefix]), zap.Int("parts_unreadable", s.skipped),
		zap.Bool("in_time", !s.late))
}

// salvageState reads everything besides the messages.
func salvageState(db pebble.Reader, deadline time.Time) (found salvaged) {
	found.counts = map[string]int{}
	for _, prefix := range statePrefixes {
		skipped, late := readable(db, []byte(prefix), successor(prefix), deadline,
			func(key, value []byte) bool {
				found.entries = append(found.entries, entry{bytes.Clone(key), bytes.Clone(value)})
				found.counts[prefix]++
				found.bytes += len(key) + len(value)
				return found.bytes < maxSalvaged
			})
		found.skipped += skipped
		found.late = found.late || late
	}
	return found
}

// readable calls f with the entries from one key to before another that can be read, until f returns
// false or the deadline, if it is not zero. It returns how many parts it passed over.
func readable(db pebble.Reader, from, to []byte, deadline time.Time, f func(key, value []byte) bool) (
	skipped int, late bool,
) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return 1, false
	}
	defer it.Close()
	over := func() bool { return !deadline.IsZero() && time.Now().After(deadline) }
	last := from
	for ok := it.First(); ; {
		for n := 1; ok; n++ {
			value, err := it.ValueAndErr()
			if err != nil {
				break
			}
			last = append(last[:0:0], it.Key()...)
			if !f(last, value) {
				return skipped, false
			}
			if n%1000 == 0 && over() {
				return skipped, true
			}
			ok = it.Next()
		}
		if !ok && it.Error() == nil {
			return skipped, false
		}
		skipped++
		seek := func(key []byte) (bool, error) { return it.SeekGE(key), it.Error() }
		if ok = passOver(seek, last, to, over); !ok {
			return skipped, over()
		}
	}
}

// window is the number of bytes after the prefix of a key that passOver changes.
const window = 24

// passOver moves an iterator that has failed after a key to the next entry that it can read, and
// reports whether there is one. seek moves it to the first entry that is not before a key. The steps
// get 256 times longer until one passes the part that cannot be read, and then shorter by halves.
func passOver(seek func([]byte) (bool, error), last, to []byte, over func() bool) bool {
	padded := make([]byte, window)
	copy(padded, last[2:])
	base := new(big.Int).SetBytes(padded)
	end := new(big.Int).Lsh(big.NewInt(1), 8*window)
	jump := func(step *big.Int) (found, failed bool) {
		at := new(big.Int).Add(base, step)
		if at.Cmp(end) >= 0 {
			return false, false
		}
		key := append(bytes.Clone(last[:2]), at.FillBytes(make([]byte, window))...)
		if bytes.Compare(key, to) >= 0 {
			return false, false
		}
		found, err := seek(key)
		return found, err != nil
	}
	low, high := new(big.Int), big.NewInt(1) // after low it fails, after high it does not
	found, failed := jump(high)
	for ; failed; found, failed = jump(high) {
		if over() {
			return false
		}
		low.Set(high)
		high.Lsh(high, 8)
	}
	for left := 8; left > 0; { // until something is found, and 8 times more
		if found {
			left--
		}
		middle := new(big.Int).Add(low, high)
		if middle.Rsh(middle, 1); middle.Cmp(low) == 0 || over() {
			break
		}
		switch now, failed := jump(middle); {
		case failed:
			low = middle
		case now || !found: // nothing is after high while nothing is found
			high, found = middle, now
		}
	}
	if found {
		found, _ = jump(high)
	}
	return found
}
