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
		if ok = passOver(engineSeeker{it}, last, to, over); !ok {
			return skipped, over()
		}
	}
}

// window is the number of bytes after the prefix of a key that passOver changes.
const window = 24

// seeker is an iterator that passOver moves.
type seeker interface {
	// seekGE moves to the first entry that is not before a key, seekLT to the last one before it.
	seekGE(key []byte) (found bool, err error)
	seekLT(key []byte) (at []byte, err error) // at is nil without one
}

type engineSeeker struct{ it *pebble.Iterator }

func (e engineSeeker) seekGE(key []byte) (bool, error) { return e.it.SeekGE(key), e.it.Error() }

func (e engineSeeker) seekLT(key []byte) (at []byte, err error) {
	if e.it.SeekLT(key) {
		at = bytes.Clone(e.it.Key())
	}
	return at, e.it.Error()
}

// passOver moves an iterator that has failed after a key to the next entry that it can read, and
// reports whether there is one. A seek that fails takes 10 ms, so there must be few. The steps from
// the key get 256 times longer until one passes the part that cannot be read. If all do not, or are
// too long, it takes such steps back from the last entry. In both cases it goes on by halves.
func passOver(it seeker, last, to []byte, over func() bool) bool {
	p := passing{it: it, prefix: last[:2], to: to}
	low := p.number(last) // it fails after low
	var high *big.Int     // and does not after high
	for step := unit(last); high == nil && !over(); step.Lsh(step, 8) {
		at := new(big.Int).Add(p.number(last), step)
		found, failed := p.seek(at)
		if !found && !failed {
			break
		}
		if failed {
			low = at
		} else {
			high = at
		}
	}
	if high == nil {
		end, err := it.seekLT(to)
		if err != nil || end == nil || p.number(end).Cmp(low) <= 0 {
			return false
		}
		high = p.number(end)
		for step := unit(end); !over(); step.Lsh(step, 8) {
			at := new(big.Int).Sub(p.number(end), step)
			if at.Cmp(low) <= 0 {
				break
			}
			if found, _ := p.seek(at); !found {
				low = at
				break
			}
			high = at
		}
	}
	for range 8 {
		middle := new(big.Int).Add(low, high)
		if middle.Rsh(middle, 1); middle.Cmp(low) == 0 || over() {
			break
		}
		if found, _ := p.seek(middle); found {
			high = middle
		} else {
			low = middle
		}
	}
	found, _ := p.seek(high)
	return found
}

// passing is an iterator whose keys are numbers.
type passing struct {
	it         seeker
	prefix, to []byte
}

// number returns the first bytes after the prefix of a key as a number.
func (p passing) number(key []byte) *big.Int {
	padded := make([]byte, window)
	copy(padded, key[2:])
	return new(big.Int).SetBytes(padded)
}

// unit returns the number by which the last byte of a key counts.
func unit(key []byte) *big.Int {
	return new(big.Int).Lsh(big.NewInt(1), uint(8*max(0, window-max(1, len(key)-2))))
}

// seek moves to the first entry that is not before a number. Without one it has not failed.
func (p passing) seek(at *big.Int) (found, failed bool) {
	if at.BitLen() > 8*window {
		return false, false
	}
	key := append(bytes.Clone(p.prefix), at.FillBytes(make([]byte, window))...)
	if bytes.Compare(key, p.to) >= 0 {
		return false, false
	}
	found, err := p.it.seekGE(key)
	return found, err != nil
}
