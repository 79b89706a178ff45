package disklog

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/zap"
)

const (
	memTableBytes = 16 << 20
	cacheBytes    = 8 << 20

	// Nearly all keys are higher than those of the same kind before them, so a compaction saves
	// little. It is half of the work of a store that is written at full speed, so tables wait until
	// there are many, and then go to the last level at once.
	compactAt = 8       // tables, one above the other
	stallAt   = 32      // then writes wait for a compaction
	baseBytes = 1 << 30 // below that there is one level only

	// storeFormat is not the newest one, so that a newer library does not change what an older
	// program has to read. This one has checksums for every part of a file.
	storeFormat = pebble.FormatTableFormatV6
)

func (s *Store) pebbleOptions() *pebble.Options {
	log := &logger{o: s.o}
	return &pebble.Options{
		FS:                 s.o.fs,
		FormatMajorVersion: storeFormat,
		MemTableSize:       cmp.Or(s.o.memTable, memTableBytes),
		CacheSize:          cacheBytes,
		MaxOpenFiles:       256,

		L0CompactionThreshold: compactAt,
		L0StopWritesThreshold: stallAt,
		LBaseMaxBytes:         baseBytes,

		Logger: log,
		EventListener: &pebble.EventListener{
			DataCorruption: func(info pebble.DataCorruptionInfo) {
				if l := s.Log(); l != nil {
					l.suspectFile(info.Path, fmt.Errorf("%w: %s", errEntry, info))
				}
			},
			BackgroundError: func(err error) { s.backgroundError(log, err) },
		},
	}
}

// backgroundError handles an error of a flush or a compaction. Pebble tries again at once, for ever,
// and at some point lets all writes wait for it. A disk that is full may have space later. A table
// that cannot be read is given up, as one with a wrong checksum, which the store knows already. After
// any other failure of the disk nobody knows what a file has.
func (s *Store) backgroundError(log *logger, err error) {
	var path *fs.PathError
	var number syscall.Errno
	switch l := s.Log(); {
	case errors.Is(err, pebble.ErrCancelledCompaction):
		return
	case l != nil && errors.As(err, &path) && path.Op == "read":
		l.suspectFile(path.Path, err)
	case errors.As(err, &number) && !vfs.IsNoSpaceError(err):
		s.o.Fatal(err)
	}
	log.Errorf("%v", err)
}

// logger writes the messages of Pebble to the log, one a second: it may repeat them as fast as it
// can.
type logger struct {
	o    Options
	last atomic.Int64 // Unix, seconds
}

func (l *logger) Infof(string, ...any) {}

func (l *logger) Errorf(format string, args ...any) {
	if now := time.Now().Unix(); l.last.Swap(now) != now {
		l.o.Log.Warn("store", zap.String("message", fmt.Sprintf(format, args...)))
	}
}

func (l *logger) Fatalf(format string, args ...any) { l.o.Fatal(fmt.Errorf(format, args...)) }
