package disklog

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// loose is the source of a store that the engine cannot open, because a file is missing or damaged:
// the manifest, a table, or a write-ahead log. It reads all tables and write-ahead logs of the
// directory, and of each key the entry with the highest sequence number.
//
// Without the manifest nobody knows which files the engine has given up and not removed yet. Their
// entries are older and lose against others, with one exception: a deletion that the engine has
// forgotten, because it had reached the last level, has no effect on a file that should be gone. This
// can be so only after a crash between a compaction and the removal of the files that it has read.
type loose struct {
	fs         vfs.FS
	path       string
	tables     []looseTable // by their smallest keys
	writes     []write      // of write-ahead logs, in the order of the merge
	dels       []span       // of write-ahead logs, in the order of their first keys
	unreadable []string     // files that have no readable part
}

// looseTable is a table that is not open. A key that is not known is empty.
type looseTable struct {
	name              string
	smallest, largest []byte
	newest            uint64 // a sequence number that no entry is after
}

// span is a range of keys of which all entries before a sequence number are deleted.
type span struct {
	from, to []byte
	seq      uint64
}

// openLoose opens a store. tables are those that the store uses with their highest sequence numbers,
// nil if that is not known.
func openLoose(fs vfs.FS, path string, tables map[string]uint64) (*loose, error) {
	names, err := fs.List(path)
	if err != nil {
		return nil, err
	}
	l := &loose{fs: fs, path: path}
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		newest, used := tables[name]
		if tables == nil {
			newest = math.MaxUint64
		} else if !used {
			continue
		}
		if err := l.addTable(name, newest); err != nil {
			l.unreadable = append(l.unreadable, name+": "+oneLine(err))
		}
	}
	slices.SortFunc(l.tables, func(a, b looseTable) int { return bytes.Compare(a.smallest, b.smallest) })
	l.readLogs(names)
	return l, nil
}

// addTable reads the bounds of a table.
func (l *loose) addTable(name string, newest uint64) (err error) {
	c, err := openTable(l.fs, l.path, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	of := looseTable{name: name, newest: newest}
	// A bound in a block that cannot be read stays unknown.
	if err := c.move(first, nil); err == nil && c.key != nil {
		of.smallest = bytes.Clone(c.key)
	}
	if err := c.move(last, nil); err == nil && c.key != nil {
		of.largest = bytes.Clone(c.key)
	}
	for _, d := range c.dels.waiting {
		if of.smallest != nil && bytes.Compare(d.from, of.smallest) < 0 {
			of.smallest = bytes.Clone(d.from)
		}
		if of.largest != nil && bytes.Compare(d.to, of.largest) > 0 {
			of.largest = bytes.Clone(d.to)
		}
	}
	l.tables = append(l.tables, of)
	return nil
}

func (l *loose) read(from, to []byte, deadline time.Time, f func(key, value []byte) bool) (
	skipped int, late bool,
) {
	defer passedOver(&skipped)
	m := newMerge(l, from, to, func() bool { return !deadline.IsZero() && time.Now().After(deadline) })
	defer m.close()
	for n := 1; ; n++ {
		key, value, ok := m.next()
		if !ok {
			return m.skipped, m.over()
		}
		if !f(key, value) {
			return m.skipped, false
		}
		if n%1000 == 0 && m.over() {
			return m.skipped, true
		}
	}
}

func (l *loose) get(key []byte) (value []byte, err error) {
	skipped, _ := l.read(key, append(bytes.Clone(key), 0), time.Time{}, func(_, v []byte) bool {
		value = append([]byte{}, v...)
		return false
	})
	if value == nil && skipped > 0 {
		return nil, errEntry
	}
	return value, nil
}

func (l *loose) close() error { return nil }
