package disklog

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// tableCursor is a position in a table.
type tableCursor struct {
	table  *sstable.Reader
	it     sstable.Iterator
	number uint64 // of the file
	newest uint64 // a sequence number that no entry is after
	dels   deletions
	hole   span   // keys that cannot be read, before the position
	after  []byte // the position before the last move

	// The entry at the position. They are valid until the next move. key is nil at the end.
	key, value []byte
	seq        uint64
	kind       pebble.InternalKeyKind
}

// openReader opens a table. The caller closes it.
func openReader(files vfs.FS, path string) (*sstable.Reader, error) {
	file, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	var table objstorage.Readable
	if table, err = sstable.NewSimpleReadable(file); err != nil {
		_ = file.Close()
		return nil, err
	}
	o := pebble.Options{}
	o.EnsureDefaults()
	reader, err := sstable.NewReader(context.Background(), table, o.MakeReaderOptions())
	if err != nil {
		_ = table.Close()
	}
	return reader, err
}

// openTable opens a table without a position.
func openTable(files vfs.FS, path, name string) (*tableCursor, error) {
	c := &tableCursor{number: fileNumber(name)}
	if err := c.open(files, files.PathJoin(path, name)); err != nil {
		_ = c.close()
		return nil, err
	}
	return c, nil
}

func (c *tableCursor) open(files vfs.FS, path string) (err error) {
	defer recovered(&err)
	if c.table, err = openReader(files, path); err != nil {
		return err
	}
	if err := c.readDels(); err != nil {
		return err // what is deleted would come back
	}
	c.it, err = c.table.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	return err
}

func (c *tableCursor) readDels() error {
	it, err := c.table.NewRawRangeDelIter(context.Background(), sstable.NoFragmentTransforms,
		sstable.NoReadEnv)
	if err != nil || it == nil {
		return err
	}
	defer it.Close()
	s, err := it.First()
	for ; s != nil; s, err = it.Next() {
		if len(s.Keys) > 0 {
			c.dels.waiting = append(c.dels.waiting, span{
				bytes.Clone(s.Start), bytes.Clone(s.End), uint64(s.Keys[0].SeqNum()),
			})
		}
	}
	return err
}

// moves of a tableCursor.
const (
	first = iota
	last
	next
	seek
	seekBack
)

// move moves to another entry. to is the key for seek, which moves to the first entry that is not
// before it, and for seekBack, which moves to the last one before it.
func (c *tableCursor) move(how int, to []byte) (err error) {
	defer func() {
		if err != nil {
			c.key = nil
		}
	}()
	defer recovered(&err)
	kv := zero(c.it.Next)
	switch how {
	case first:
		kv = c.it.First()
	case last:
		kv = c.it.Last()
	case next:
		kv = c.it.Next()
	case seek:
		kv = c.it.SeekGE(to, 0)
	case seekBack:
		kv = c.it.SeekLT(to, 0)
	}
	if c.key = nil; kv == nil {
		return c.it.Error()
	}
	c.key, c.seq, c.kind = kv.K.UserKey, uint64(kv.SeqNum()), kv.Kind()
	c.value, _, err = kv.Value(nil)
	return err
}

func (c *tableCursor) seekGE(key []byte) (found bool, err error) {
	err = c.move(seek, key)
	return c.key != nil, err
}

func (c *tableCursor) seekLT(key []byte) (at []byte, err error) {
	if err = c.move(seekBack, key); c.key != nil {
		at = bytes.Clone(c.key)
	}
	return at, err
}

// zero returns the zero value of a result, of a type that has no name outside of its module.
func zero[T any](func() T) (z T) { return z }

// step moves to the next entry that can be read, and reports whether entries could not be. from is a
// key that is not after them, and to the end.
func (c *tableCursor) step(how int, from, to []byte, over func() bool) (skipped bool) {
	if c.key != nil {
		from = c.key
	}
	c.after = append(c.after[:0], from...)
	if c.move(how, c.after) == nil {
		return false
	}
	found := passOver(c, c.after, to, over)
	c.hole = span{from: bytes.Clone(c.after), to: to}
	if !found {
		c.key = nil
	} else if bytes.Compare(c.key, to) < 0 {
		c.hole.to = bytes.Clone(c.key)
	}
	return true
}

// mayHide reports whether the table may have a later version of an entry where it cannot be read.
func (c *tableCursor) mayHide(key []byte, seq uint64) bool {
	return c.hole.to != nil && seq <= c.newest &&
		bytes.Compare(c.hole.from, key) < 0 && bytes.Compare(key, c.hole.to) < 0
}

func (c *tableCursor) close() (err error) {
	defer recovered(&err)
	if c.it != nil {
		err = c.it.Close()
	}
	if c.table != nil {
		err = errors.Join(err, c.table.Close())
	}
	return err
}

// deletions are the range deletions of a file.
type deletions struct {
	waiting []span // after the position, in the order of their first keys
	active  []span // at the position
}

// has reports whether a range deletion deletes an entry. The keys must come in their order.
func (d *deletions) has(key []byte, seq uint64) bool {
	for len(d.waiting) > 0 && bytes.Compare(d.waiting[0].from, key) <= 0 {
		d.active = append(d.active, d.waiting[0])
		d.waiting = d.waiting[1:]
	}
	d.active = slices.DeleteFunc(d.active, func(s span) bool { return bytes.Compare(s.to, key) <= 0 })
	return slices.ContainsFunc(d.active, func(s span) bool { return seq < s.seq })
}
