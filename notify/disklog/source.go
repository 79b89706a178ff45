package disklog

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// source has the entries of a store that may be damaged.
type source interface {
	// read calls f with the entries from one key to before another that can be read, in their order,
	// until f returns false or the deadline, if it is not zero. Both keys begin with one prefix. It
	// returns how many parts it passed over.
	read(from, to []byte, deadline time.Time, f func(key, value []byte) bool) (skipped int, late bool)
	// get returns the value of a key, or nil.
	get(key []byte) ([]byte, error)
	close() error
}

// openSource opens a store to read what can be read. If the engine cannot open it, for the reason
// cause, the source has what the files have without the engine. db is nil then.
func openSource(fs vfs.FS, path string) (in source, db *pebble.DB, cause, err error) {
	if db, cause = tryOpen(fs, path); cause == nil {
		return engine{db}, db, nil, nil
	}
	in, err = openLoose(fs, path, nil)
	return in, nil, cause, err
}

// openDamaged opens a store to read what can be read, also where the engine would need a part that
// cannot be read to find another. If the engine can open it, it says which tables there are.
func openDamaged(fs vfs.FS, path string) (*loose, error) {
	var tables map[string]uint64
	if db, err := tryOpen(fs, path); err == nil {
		if tables, err = tablesOf(db); err != nil {
			tables = nil
		}
		_ = db.Close()
	}
	return openLoose(fs, path, tables)
}

// tryOpen is openReadOnly for files that may have anything.
func tryOpen(fs vfs.FS, path string) (db *pebble.DB, err error) {
	defer recovered(&err)
	return openReadOnly(fs, path)
}

// recovered makes an error of a panic: a library that reads damaged files may do anything.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", errEntry, r)
	}
}

// passedOver counts a panic as a part that cannot be read.
func passedOver(skipped *int) {
	if recover() != nil {
		*skipped++
	}
}

// engine is the source of a store that the engine can open.
type engine struct{ db pebble.Reader }

func (e engine) read(from, to []byte, deadline time.Time, f func(key, value []byte) bool) (
	skipped int, late bool,
) {
	defer passedOver(&skipped)
	return readable(e.db, from, to, deadline, f)
}

func (e engine) get(key []byte) ([]byte, error) {
	value, closer, err := e.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return append([]byte{}, value...), nil
}

func (e engine) close() error { return e.db.Close() }
