// Package disklog is the log in a directory: messages outlive the process, in one Pebble store.
package disklog

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
)

// Options configure a Store. Start from DefaultOptions.
type Options struct {
	// Dir is the directory, made if there is none. One process may have it open.
	Dir string

	// TTL is how long a message is kept, 24 hours by default, and MaxBytes the size of all kept
	// messages, 1 GiB by default: the oldest are dropped, some hundred at a time.
	TTL      time.Duration
	MaxBytes int64

	// TailBytes is the size of the newest messages that Follow delivers, 64 MiB by default.
	TailBytes int64

	// SyncInterval is how often the store syncs its file. With 0, the default, it syncs before it
	// acknowledges each message. Otherwise a crash loses the messages of the last interval, and
	// every client that reconnects after it gets a gap.
	SyncInterval time.Duration

	// MinFree is the free space in the file system below which Append refuses messages, 64 MiB by
	// default.
	MinFree uint64

	// Fatal is called when a write or a sync has failed: the store cannot know what the file has
	// after that. It must end the process, and not return.
	Fatal func(error)

	Log *zap.Logger // nil: nothing is logged
	Now func() time.Time

	fs vfs.FS // nil: the operating system's
}

// DefaultOptions returns the defaults for a directory.
func DefaultOptions(dir string) Options {
	return Options{
		Dir: dir, TTL: 24 * time.Hour, MaxBytes: 1 << 30, TailBytes: 64 << 20, MinFree: 64 << 20,
		Fatal: func(err error) { panic(err) },
	}
}

// format is the version of the layout that this program writes.
const format = 1

// ErrInUse is the error of Open when another process has the directory open.
var ErrInUse = errors.New("the directory is in use")

// Store is an open directory. It is safe for concurrent use.
type Store struct {
	o    Options
	db   *pebble.DB
	lock *pebble.Lock
	mark *mark

	aside uint64              // stores that were moved aside
	log   atomic.Pointer[Log] // nil while the store is opened
}

// Open opens the directory. A damaged store is moved aside and a new one begins, which every client
// that reconnects sees as a gap; the log says so. The error names the directory.
func Open(o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.fs == nil {
		o.fs = vfs.Default
	}
	s := &Store{o: o}
	if err := s.open(); err != nil {
		if s.db != nil {
			_ = s.db.Close()
		}
		if s.mark != nil {
			_ = s.mark.f.Close()
		}
		if s.lock != nil {
			_ = s.lock.Close()
		}
		return nil, fmt.Errorf("data directory %s: %w", o.Dir, err)
	}
	return s, nil
}

func (s *Store) open() error {
	if err := s.o.fs.MkdirAll(s.o.Dir, 0o700); err != nil {
		return err
	}
	if err := s.acquire(); err != nil {
		return err
	}
	err := s.start()
	if damaged(err) {
		if err = s.moveAside(err); err == nil {
			err = s.start()
		}
	}
	return err
}

// start opens the store and reads the log.
func (s *Store) start() (err error) {
	if s.db, err = pebble.Open(s.path(), s.pebbleOptions()); err != nil {
		return err
	}
	meta, err := s.begin()
	if err != nil {
		return err
	}
	l, err := newLog(s, meta)
	if err == nil {
		err = s.compareMark(l)
	}
	if err != nil {
		return err
	}
	l.losses.Add(s.aside)
	// Else a power cut may take the new directories, or the mark.
	_ = s.syncDir(s.o.fs.PathDir(s.o.Dir)) // it may belong to somebody else
	if err := errors.Join(s.mark.f.Sync(), s.syncDir(s.o.Dir)); err != nil {
		return err
	}
	s.log.Store(l)
	go l.write()
	return nil
}

// compareMark begins a new epoch if the log would give ids again: it has lost its end, or it is a
// backup that was restored without the mark.
func (s *Store) compareMark(l *Log) (err error) {
	var last notify.ID
	if s.mark, last, err = openMark(s.o.fs, s.o.fs.PathJoin(s.o.Dir, "mark")); err != nil {
		return err
	}
	head := l.Head()
	if l.fresh || last.Epoch == head.Epoch && last.Seq <= head.Seq {
		return s.mark.set(head)
	}
	l.epoch = newEpoch(l.epoch)
	epoch := binary.BigEndian.AppendUint32(nil, l.epoch)
	if err := s.db.Set(keyEpoch, epoch, pebble.Sync); err != nil {
		return err
	}
	if last.IsZero() {
		s.o.Log.Warn("the data directory has no mark, as a backup that was restored: clients that " +
			"reconnect get a gap")
		for _, m := range l.newest {
			m.ID.Epoch = l.epoch
		}
	} else if err := l.giveUp(fmt.Errorf("%w: the last message is %v, expected %v", errEntry, head,
		last)); err != nil {
		return err
	}
	return s.mark.set(l.Head())
}

// moveAside renames a damaged store. A new one begins, with another epoch.
func (s *Store) moveAside(cause error) error {
	aside := s.path() + ".damaged-" + s.o.Now().UTC().Format("20060102T150405.000")
	s.o.Log.Error("the data is damaged: it is moved aside, and clients that reconnect get a gap",
		zap.String("to", filepath.Base(aside)), zap.Error(cause))
	if s.db != nil {
		_ = s.db.Close() // it was only read
		s.db = nil
	}
	s.aside++
	return s.o.fs.Rename(s.path(), aside)
}

// acquire takes the lock of the directory and writes the process id into it, for the error of the
// next process.
func (s *Store) acquire() (err error) {
	holder := s.o.fs.PathJoin(s.o.Dir, "holder")
	if s.lock, err = pebble.LockDirectory(s.o.Dir, s.o.fs); err != nil {
		if f, openErr := s.o.fs.Open(holder); openErr == nil {
			text := make([]byte, 20)
			n, _ := f.Read(text)
			_ = f.Close()
			return fmt.Errorf("%w by the process %s", ErrInUse, strings.TrimSpace(string(text[:n])))
		}
		return fmt.Errorf("cannot be locked: %w", err)
	}
	f, err := s.o.fs.Create(holder, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(strconv.Itoa(os.Getpid()) + "\n"))
	return errors.Join(err, f.Close())
}

func (s *Store) syncDir(dir string) error {
	f, err := s.o.fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (s *Store) path() string { return s.o.fs.PathJoin(s.o.Dir, "store") }

const (
	memTableBytes = 8 << 20
	cacheBytes    = 8 << 20
)

func (s *Store) pebbleOptions() *pebble.Options {
	return &pebble.Options{
		FS: s.o.fs,
		// It is not the newest one, so that a newer library does not change what an older program
		// has to read. This one has checksums for every part of a file.
		FormatMajorVersion: pebble.FormatTableFormatV6,
		MemTableSize:       memTableBytes,
		CacheSize:          cacheBytes,
		MaxOpenFiles:       256,
		Logger:             logger{s.o},
		EventListener: &pebble.EventListener{
			DataCorruption: func(info pebble.DataCorruptionInfo) {
				if l := s.Log(); l != nil {
					l.suspect(fmt.Errorf("%w: %s", errEntry, info))
				}
			},
			BackgroundError: func(err error) {
				s.o.Log.Warn("store", zap.String("message", err.Error()))
			},
		},
	}
}

// logger writes the messages of Pebble to the log.
type logger struct{ o Options }

func (l logger) Infof(string, ...any) {}

func (l logger) Errorf(format string, args ...any) {
	l.o.Log.Warn("store", zap.String("message", fmt.Sprintf(format, args...)))
}

func (l logger) Fatalf(format string, args ...any) { l.o.Fatal(fmt.Errorf(format, args...)) }

// meta is what the store knows about the log.
type meta struct {
	epoch uint32
	fresh bool // the epoch begins now
	floor uint64
}

// begin reads the meta keys, and writes those of a new store.
func (s *Store) begin() (m meta, err error) {
	version, err := s.number(keyFormat, 4)
	if err != nil {
		return m, err
	}
	if version > format {
		return m, fmt.Errorf("has the format %d, and this program knows formats up to %d", version,
			format)
	}
	epoch, err := s.number(keyEpoch, 4)
	if err != nil {
		return m, err
	}
	if m.floor, err = s.number(keyFloor, 8); err != nil {
		return m, err
	}
	open, err := s.number(keyOpen, 1)
	if err != nil {
		return m, err
	}
	// After a crash ids may have been given that the file does not have, and they would be given
	// again.
	reused := open > 0 && s.o.SyncInterval > 0
	if m.epoch = uint32(epoch); epoch == 0 || reused {
		m.epoch, m.fresh = newEpoch(m.epoch), true
	}
	b := s.db.NewBatch()
	defer b.Close()
	for _, err := range []error{
		b.Set(keyFormat, binary.BigEndian.AppendUint32(nil, format), nil),
		b.Set(keyEpoch, binary.BigEndian.AppendUint32(nil, m.epoch), nil),
		b.Set(keyOpen, []byte{1}, nil),
	} {
		if err != nil {
			return m, err
		}
	}
	return m, b.Commit(pebble.Sync)
}

// number reads a number of some bytes, 0 when there is none.
func (s *Store) number(key []byte, size int) (n uint64, err error) {
	value, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer closer.Close()
	if len(value) != size {
		return 0, fmt.Errorf("%s has %d bytes, expected %d", key, len(value), size)
	}
	for _, b := range value {
		n = n<<8 | uint64(b)
	}
	return n, nil
}

// newEpoch returns an epoch that is neither 0 nor the former one.
func newEpoch(former uint32) uint32 {
	for {
		var b [4]byte
		_, _ = rand.Read(b[:]) // has no error: crypto/rand ends the process instead
		if epoch := binary.BigEndian.Uint32(b[:]); epoch != 0 && epoch != former {
			return epoch
		}
	}
}

// Log returns the log of the directory.
func (s *Store) Log() *Log { return s.log.Load() }

// Close stores what was accepted and closes the directory.
func (s *Store) Close() error {
	err := s.Log().Close()
	err = errors.Join(err, s.db.Delete(keyOpen, pebble.Sync), s.db.Close(), s.mark.f.Close())
	return errors.Join(err, s.lock.Close())
}

// damaged reports whether an error means that a file has not what was written to it.
func damaged(err error) bool { return errors.Is(err, errEntry) || pebble.IsCorruptionError(err) }
