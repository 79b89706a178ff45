// Package disklog is the log in a directory: messages outlive the process, in one Pebble store.
package disklog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
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
	// messages, 1 GiB by default: the oldest are dropped, some hundred at a time. Above MaxBytes a
	// room with more than about a quarter loses its own oldest first.
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

	fs           vfs.FS        // nil: the operating system's
	healDeadline time.Duration // 0: the constant
	memTable     uint64        // bytes; 0: the constant
	rescueTime   time.Duration // 0: the constant
}

// DefaultOptions returns the defaults for a directory.
func DefaultOptions(dir string) Options {
	return Options{
		Dir: dir, TTL: 24 * time.Hour, MaxBytes: 1 << 30, TailBytes: 64 << 20, MinFree: 64 << 20,
		Fatal: func(err error) { panic(err) },
	}
}

// On returns the options for another file system than that of the operating system, which tests
// give faults.
func (o Options) On(fs vfs.FS) Options {
	o.fs = fs
	return o
}

// The versions of the layout. A store has the second one while single rooms have lost messages, see
// meta.format.
const (
	formatFirst = 1
	formatRooms = 2
	format      = formatRooms // the newest one that this program knows
)

// ErrInUse is the error of Open when another process has the directory open.
var ErrInUse = errors.New("the directory is in use")

// Store is an open directory: a Log, and the state that outlives the process. It is safe for concurrent use.
type Store struct {
	o    Options
	db   *pebble.DB
	lock *pebble.Lock
	mark *mark

	values  values
	tickets *Tickets

	rescued bool                // the store is the copy of a damaged one
	former  uint32              // its epoch, if that is known
	log     atomic.Pointer[Log] // nil while the store is opened
	backup  sync.Mutex          // held by Backup
	state   sync.RWMutex        // held to write what is in statePrefixes, and alone by heal
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
	if o.healDeadline == 0 {
		o.healDeadline = healDeadline
	}
	if o.rescueTime == 0 {
		o.rescueTime = rescueTime
	}
	s := &Store{o: o}
	s.tickets = newTickets(s)
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
	if err := s.takeRescued(); err != nil {
		return err
	}
	err := s.flagged()
	if err == nil {
		err = s.hasManifest()
	}
	if err == nil {
		err = s.start()
	}
	if damaged(err) {
		if err = s.rescue(err); err == nil {
			err = s.start()
		}
	}
	return err
}

// start opens the store and reads the log.
func (s *Store) start() (err error) {
	// The engine would let others read it, and Dir may be a directory that they can read.
	if err := s.o.fs.MkdirAll(s.path(), 0o700); err != nil {
		return err
	}
	if s.db, err = pebble.Open(s.path(), s.pebbleOptions()); err != nil {
		return openError(err)
	}
	meta, err := s.begin()
	if err != nil {
		return err
	}
	l, err := newLog(s, meta)
	if err == nil {
		err = s.checkState()
	}
	if err == nil {
		err = s.compareMark(l)
	}
	if err == nil {
		err = s.loadValues(l)
	}
	if err != nil {
		return err
	}
	if s.rescued {
		l.losses.Add(1)
	}
	// Else a power cut may take the new directories, or the mark.
	_ = s.syncDir(s.o.fs.PathDir(s.o.Dir)) // it may belong to somebody else
	if err := errors.Join(s.mark.sync(), s.syncDir(s.o.Dir)); err != nil {
		return err
	}
	s.log.Store(l)
	l.start()
	return nil
}

// checkState reads everything besides the messages, so that damage in it is found before anybody uses
// the log.
func (s *Store) checkState() error {
	for _, prefix := range statePrefixes {
		err := scan(s.db, []byte(prefix), successor(prefix), func(_, _ []byte) error { return nil })
		if err != nil {
			return err
		}
	}
	return nil
}

// compareMark begins a new epoch if the log would give ids again: it has lost its end, or it is a
// backup that was restored without the mark. It keeps the messages before that.
func (s *Store) compareMark(l *Log) (err error) {
	var last notify.ID
	if s.mark, last, err = openMark(s.o.fs, s.inDir(markName)); err != nil {
		return err
	}
	head := l.Head()
	if l.fresh && last.IsZero() { // new, or a backup that begins an epoch in any case
		err = s.tickets.drop()
	}
	if err != nil || l.fresh || last.Epoch == head.Epoch && last.Seq <= head.Seq {
		return errors.Join(err, s.mark.set(head))
	}
	if last.IsZero() {
		s.o.Log.Warn("the data directory has no mark, as a backup that was restored: clients that " +
			"reconnect get a gap")
	} else {
		l.losses.Add(1)
		s.o.Log.Error("the end of the stored notifications is damaged and lost: clients that "+
			"reconnect get a gap", zap.Stringer("last", head), zap.Stringer("expected", last))
	}
	l.epoch.Store(newEpoch(head.Epoch))
	for _, m := range l.newest {
		m.ID.Epoch = l.epoch.Load()
	}
	epoch := binary.BigEndian.AppendUint32(nil, l.epoch.Load())
	if err := s.db.Set(keyEpoch, epoch, pebble.Sync); err != nil {
		return err
	}
	if err := s.tickets.drop(); err != nil {
		return err
	}
	return s.mark.set(l.Head())
}

func (s *Store) syncDir(dir string) error {
	f, err := s.o.fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// storeName is the directory of Pebble in the directory.
const storeName = "store"

func (s *Store) path() string { return s.inDir(storeName) }

// Log returns the log of the directory.
func (s *Store) Log() *Log { return s.log.Load() }

// Close stores what was accepted and closes the directory.
func (s *Store) Close() error {
	err := s.Log().Close()
	s.tickets.close()
	err = errors.Join(err, s.db.Delete(keyOpen, pebble.Sync), s.db.Close(), s.mark.sync(),
		s.mark.f.Close())
	return errors.Join(err, s.lock.Close())
}
