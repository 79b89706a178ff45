package disklog

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/roomcast/roomcast/notify"
)

// Files are the files of a directory that no process has open, for operators. They are only read.
type Files struct {
	dir   string
	path  string // of the store
	fs    vfs.FS
	lock  *pebble.Lock // nil on a read-only file system
	in    source
	db    *pebble.DB // nil when the engine cannot open it
	cause error      // why
	mark  notify.ID  // the zero ID without a valid mark
	meta  meta
}

// OpenFiles takes the lock of a directory, so that no process opens it meanwhile, and opens its
// store without writing to it. The error wraps ErrInUse when a process has it open. A store that is
// damaged is no error: Check says what.
func OpenFiles(dir string) (*Files, error) {
	f := &Files{dir: dir, fs: vfs.Default}
	f.path = f.fs.PathJoin(dir, storeName)
	if err := f.open(); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("data directory %s: %w", dir, err)
	}
	return f, nil
}

// ErrNoStore is the error of OpenFiles for a directory without a store.
var ErrNoStore = errors.New("has no store")

func (f *Files) open() (err error) {
	if _, err := f.fs.Stat(f.path); err != nil {
		return fmt.Errorf("%w: %w", ErrNoStore, err)
	}
	if f.lock, err = lockDir(vfs.Default, f.dir); err != nil && !isReadOnly(err) {
		return err
	}
	f.mark = readMark(f.fs, f.dir)
	if f.in, f.db, f.cause, err = openSource(f.fs, f.path); err != nil {
		return err
	}
	f.meta, err = readMeta(f.in)
	if damaged(err) {
		if f.cause == nil {
			f.cause = err
		}
		return nil
	}
	return err
}

// Damage says why the engine cannot open the store, "" if it can. The files are read without it then.
func (f *Files) Damage() string {
	if f.cause == nil {
		return ""
	}
	return "the store cannot be opened: " + oneLine(f.cause)
}

// Close releases the directory.
func (f *Files) Close() (err error) {
	if f.in != nil {
		err = f.in.close()
	}
	if f.lock != nil {
		err = errors.Join(err, f.lock.Close())
	}
	return err
}

// readMark returns the id in the mark of a directory, the zero ID without a valid one.
func readMark(files vfs.FS, dir string) (id notify.ID) {
	f, err := files.Open(files.PathJoin(dir, markName))
	if err != nil {
		return id
	}
	defer f.Close()
	buf := make([]byte, markSize)
	if n, _ := f.ReadAt(buf, 0); n == markSize {
		id = parseMark(buf)
	}
	return id
}

// openReadOnly opens a store without writing to it, and does nothing about damage.
func openReadOnly(files vfs.FS, path string) (*pebble.DB, error) {
	return pebble.Open(path, &pebble.Options{
		FS: readOnlyFS{files}, ReadOnly: true, FormatMajorVersion: storeFormat, CacheSize: cacheBytes,
		Logger: quiet{}, EventListener: &pebble.EventListener{
			DataCorruption: func(pebble.DataCorruptionInfo) {}, // the default is a fatal error
		},
	})
}

// readOnlyFS has no locks: that of the directory is enough, and a file system may not allow one.
type readOnlyFS struct{ vfs.FS }

func (readOnlyFS) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// quiet is a logger without output.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...)) // nothing is written
}

// holds reports whether a hub room has a message that is stored.
func (f *Files) holds(room string, seq uint64) bool { return seq > f.meta.rooms[room] }

// messages calls f with the messages, oldest first, until it returns false. It passes over those that
// cannot be read and returns how many parts there are of them.
func (f *Files) messages(after uint64, each func(*notify.Message) bool) (unreadable int) {
	skipped, _ := f.in.read(logKey(max(after, f.meta.floor)+1), successor(logPrefix), time.Time{},
		func(key, value []byte) bool {
			m, err := decodeEntry(notify.ID{Epoch: f.meta.epoch, Seq: seqOf(key)}, value)
			if err != nil {
				unreadable++
				return true
			}
			return each(m)
		})
	return unreadable + skipped
}
