package disklog

import (
	"bytes"
	"cmp"

	"github.com/cockroachdb/pebble/v2"
)

// merge reads the entries of all files of a store in the order of their keys. Tables are open while
// their keys are read only, so its memory depends on how many overlap.
type merge struct {
	l        *loose
	from, to []byte
	over     func() bool
	skipped  int

	waiting []looseTable // that have not begun
	open    []*tableCursor
	writes  []write // that come
	dels    deletions

	taken *tableCursor // that the last entry is from; nil: it is from writes
	begun bool
	last  []byte // the last key
}

func newMerge(l *loose, from, to []byte, over func() bool) *merge {
	return &merge{l: l, from: from, to: to, over: over, waiting: l.tables,
		writes: writesFrom(l.writes, from), dels: deletions{waiting: l.dels}}
}

func (m *merge) close() {
	for _, c := range m.open {
		_ = c.close()
	}
}

// next returns the next entry, which is valid until the next call.
func (m *merge) next() (key, value []byte, ok bool) {
	for {
		at := m.newest()
		if at.key == nil || bytes.Compare(at.key, m.to) >= 0 {
			return nil, nil, false
		}
		again := m.last != nil && bytes.Equal(at.key, m.last)
		m.last = append(m.last[:0], at.key...)
		if !again && at.isSet() && !m.deleted(at) {
			return at.key, at.value, true
		}
	}
}

// newest moves to the next version of an entry: the first key, and of it the newest version.
func (m *merge) newest() (at write) {
	m.advance()
	if len(m.writes) > 0 {
		at = m.writes[0]
	}
	m.taken = nil
	for i := 0; ; i++ {
		if i == len(m.open) && !m.begin(at.key) {
			return at
		}
		if c := m.open[i]; c.key != nil {
			of := write{c.key, c.value, c.seq, c.number, c.kind}
			if at.key == nil || of.compare(at) < 0 {
				at, m.taken = of, c
			}
		}
	}
}

// advance moves the file that the last entry is from.
func (m *merge) advance() {
	switch {
	case !m.begun:
		m.begun = true
	case m.taken == nil:
		m.writes = m.writes[1:]
	default:
		m.step(m.taken, next)
	}
}

func (m *merge) step(c *tableCursor, how int) {
	if c.step(how, m.from, m.to, m.over) {
		m.skipped++
	}
}

// begin opens the next table that can have a key that is not after another, which is nil at the end,
// and reports whether there is one.
func (m *merge) begin(key []byte) bool {
	for len(m.waiting) > 0 {
		t := m.waiting[0]
		if key == nil {
			key = m.to
		}
		if bytes.Compare(t.smallest, key) > 0 {
			return false
		}
		m.waiting = m.waiting[1:]
		if t.largest != nil && bytes.Compare(t.largest, m.from) < 0 {
			continue
		}
		c, err := openTable(m.l.fs, m.l.path, t.name)
		if err != nil {
			m.skipped++
			continue
		}
		c.newest = t.newest
		m.step(c, seek)
		m.open = append(m.open, c)
		return true
	}
	return false
}

// deleted reports whether an entry is deleted, or whether a file may have had a newer version of it.
func (m *merge) deleted(at write) bool {
	gone := m.dels.has(at.key, at.seq)
	rest := m.open[:0]
	for _, c := range m.open {
		if c.dels.has(at.key, at.seq) {
			gone = true
		}
		// The write-ahead logs have the newest version, if any.
		if m.taken != nil && changes(at.key) && c.mayHide(at.key, at.seq) {
			gone = true
		}
		if c.key == nil && len(c.dels.waiting)+len(c.dels.active) == 0 &&
			bytes.Compare(c.hole.to, at.key) <= 0 {
			_ = c.close()
			continue
		}
		rest = append(rest, c)
	}
	m.open = rest
	return gone
}

// changes reports whether the value of a key can change, so that an old one must not come back. Others
// are only set and deleted, and an event of a queue may be delivered again.
func changes(key []byte) bool {
	return !bytes.HasPrefix(key, []byte(logPrefix)) && !bytes.HasPrefix(key, []byte(queuePrefix))
}

// write is a version of an entry.
type write struct {
	key, value []byte
	seq        uint64
	file       uint64
	kind       pebble.InternalKeyKind
}

func (w write) isSet() bool {
	return w.kind == pebble.InternalKeyKindSet || w.kind == pebble.InternalKeyKindSetWithDelete
}

// compare orders versions by key, the newest first. The engine sets the sequence number 0 in its last
// level, and the later file has the later version.
func (w write) compare(other write) int {
	return cmp.Or(bytes.Compare(w.key, other.key), cmp.Compare(other.seq, w.seq),
		cmp.Compare(other.file, w.file))
}
