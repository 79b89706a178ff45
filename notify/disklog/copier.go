package disklog

import (
	"errors"
	"maps"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
)

// A copier writes batches of about copyBatch. One of messages has at most copyStep sequence numbers.
const (
	copyBatch = 4 << 20
	copyStep  = 1 << 14
)

// progressInterval is how often a long copy writes a line into the log.
const progressInterval = 5 * time.Second

// statePrefixes are the parts of the store besides the messages, in the order of the copy.
var statePrefixes = []string{sessionPrefix, retainedPrefix, valuePrefix, queuePrefix}

// copier copies what can be read of a store into a new one: everything besides the messages, and then
// the newest messages until the deadline or the budget. Its memory does not depend on how many there
// are.
type copier struct {
	in       source
	db       *pebble.DB
	log      *zap.Logger
	deadline time.Time
	budget   int64 // bytes
	noRoom   bool  // not even for the state

	floor    uint64            // of the new store
	rooms    map[string]uint64 // floors of rooms that are higher
	head     uint64            // the newest message of the new store
	state    map[string]int
	messages int
	bytes    int64
	skipped  int
	late     bool
	full     bool // the budget is used
	reported time.Time
}

func (c *copier) run() error {
	c.reported, c.state = time.Now(), map[string]int{}
	c.head = c.floor
	if c.noRoom {
		return c.finish()
	}
	for _, prefix := range statePrefixes {
		if err := c.copyState(prefix); err != nil {
			return err
		}
	}
	if err := c.copyMessages(); err != nil {
		return err
	}
	return c.finish()
}

// copyState copies the entries of a prefix.
func (c *copier) copyState(prefix string) (err error) {
	b := c.db.NewBatch()
	defer func() { _ = b.Close() }()
	commit := func() error {
		c.bytes += int64(b.Len())
		return b.Commit(pebble.NoSync)
	}
	skipped, late := c.in.read([]byte(prefix), successor(prefix), c.deadline,
		func(key, value []byte) bool {
			c.state[prefix]++
			if err = b.Set(key, value, nil); err == nil && b.Len() > copyBatch {
				err = commit()
				b.Reset()
				c.progress()
			}
			return err == nil
		})
	c.skipped += skipped
	c.late = c.late || late
	return errors.Join(err, commit())
}

// copyMessages copies the messages, the newest first, in parts that are complete: with what was
// written until the end, no message is missing that could be read.
func (c *copier) copyMessages() error {
	before, step := c.end(), uint64(1)
	for before > c.floor+1 {
		from := max(c.floor+1, before-min(step, before))
		part := c.readPart(from, before)
		if part.batch.Len() > copyBatch && before-from > 1 {
			step = max(1, (before-from)/2)
			_ = part.batch.Close()
			continue
		}
		c.skipped += part.skipped
		if c.late = c.late || part.late; c.late || c.bytes+part.bytes > c.budget {
			c.full = !c.late
			c.floor = before - 1
			return part.batch.Close()
		}
		err := errors.Join(part.err, part.batch.Commit(pebble.NoSync), part.batch.Close())
		if err != nil {
			return err
		}
		c.head = max(c.head, part.head)
		c.messages += part.messages
		c.bytes += part.bytes
		before = from
		if part.messages == 0 || part.bytes < copyBatch/4 && step < copyStep {
			step *= 2
		}
		c.progress()
	}
	return nil
}

// part is a range of messages.
type part struct {
	batch    *pebble.Batch
	bytes    int64 // of the batch
	messages int
	head     uint64 // the newest message
	skipped  int
	late     bool
	err      error
}

// readPart reads the messages from one sequence number to before another, until the batch is full.
func (c *copier) readPart(from, before uint64) (p part) {
	p.batch = c.db.NewBatch()
	var damagedEntries int
	p.skipped, p.late = c.in.read(logKey(from), logKey(before), c.deadline,
		func(key, value []byte) bool {
			seq := seqOf(key)
			m, err := decodeEntry(notify.ID{}, value)
			if err != nil {
				damagedEntries++
				return true
			}
			held := false
			for _, room := range m.Rooms {
				if seq > c.rooms[room] {
					held = true
					p.err = errors.Join(p.err, p.batch.Set(roomKey(room, seq), nil, nil))
				}
			}
			if !held { // a drop of it was lost
				return p.err == nil
			}
			p.err = errors.Join(p.err, p.batch.Set(key, value, nil))
			p.messages++
			p.head = seq
			return p.err == nil && (p.batch.Len() <= copyBatch || before-from == 1)
		})
	p.skipped += damagedEntries
	p.bytes = int64(p.batch.Len())
	return p
}

// end returns the sequence number after the last message.
func (c *copier) end() uint64 {
	after := func(seq uint64) (found bool) {
		_, _ = c.in.read(logKey(seq), successor(logPrefix), c.deadline, func(_, _ []byte) bool {
			found = true
			return false
		})
		return found
	}
	low, step := c.floor, uint64(1) // something may be after low
	for low+step > low && after(low+step) {
		low += step
		step *= 2
	}
	high := low + step
	for low+1 < high { // the last one is at low at least, and before high
		if middle := low + (high-low)/2; after(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return low + 1
}

// finish writes the meta keys. The chunks are made again at the start: if a record was missing, the
// next one would count for both.
func (c *copier) finish() error {
	for room, floor := range c.rooms { // ids go on after the head, so nothing after it is dropped
		c.rooms[room] = min(floor, c.head)
	}
	maps.DeleteFunc(c.rooms, func(_ string, floor uint64) bool { return floor <= c.floor })
	entries := metaEntries(meta{floor: c.floor, rooms: c.rooms})
	for room, floor := range c.rooms {
		entries = append(entries, entry{floorKey(room), number(floor)})
	}
	for _, e := range entries {
		if err := c.db.Set(e.key, e.value, pebble.NoSync); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) progress() {
	if now := time.Now(); now.Sub(c.reported) >= progressInterval {
		c.reported = now
		c.log.Warn("copying what can be read of the damaged data", c.kept())
	}
}

func (c *copier) kept() zap.Field {
	return zap.Dict("kept", zap.Int("sessions", c.state[sessionPrefix]),
		zap.Int("retained", c.state[retainedPrefix]), zap.Int("answers", c.state[valuePrefix]),
		zap.Int("webhooks", c.state[queuePrefix]), zap.Int("notifications", c.messages),
		zap.Int("parts_unreadable", c.skipped))
}

func (c *copier) report() {
	switch {
	case c.noRoom:
		c.log.Error("the disk has no room for a copy of the damaged data: nothing is kept")
	case c.full:
		c.log.Error("the disk has no room for a complete copy of the damaged data: older "+
			"notifications are not kept", c.kept())
	case c.late:
		c.log.Warn("kept what can be read in time of the damaged data: older notifications are not kept",
			c.kept())
	default:
		c.log.Warn("kept what can be read of the damaged data", c.kept())
	}
}
