package disklog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
)

// damaged reports whether an error means that a file has not what was written to it.
func damaged(err error) bool { return errors.Is(err, errEntry) || pebble.IsCorruptionError(err) }

// openError returns an error of pebble.Open as damage, if it is: a file is missing, has lost its end, or
// has what nobody wrote. It is not when the system refuses something, or a newer program has written
// the store.
func openError(err error) error {
	var number syscall.Errno
	if errors.As(err, &number) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if strings.Contains(err.Error(), "format major version") {
		return fmt.Errorf("was written by a newer version: %w", err)
	}
	return fmt.Errorf("%w: %w", errEntry, err)
}

// flagName is a file in a store that could not be repaired, so that the next process does not try
// the same.
const flagName = "damaged"

// healDeadline is how long after damage was found the writer may take to begin again without it.
// Pebble may let it wait for ever, for the compaction of a table that cannot be read.
const healDeadline = 10 * time.Second

// suspect notes that something stored cannot be read. From now on everything stored counts as lost;
// the writer drops it.
func (l *Log) suspect(err error) {
	cause := &err
	if l.broken.CompareAndSwap(nil, cause) {
		l.raise(l.head.Load())
		time.AfterFunc(l.s.o.healDeadline, func() {
			select {
			case <-l.ended:
			default:
				if l.broken.Load() == cause {
					l.s.end(fmt.Errorf("damaged data cannot be dropped in time: %w", err))
				}
			}
		})
	}
	l.queue.Wake()
}

// suspectFile is suspect for a file. It ignores those that were dropped: reads that began before may
// still use them.
func (l *Log) suspectFile(path string, err error) {
	if fileNumber(path) > l.dropped.Load() {
		l.suspect(err)
	}
}

// fileNumber returns the number in the name of a file of Pebble: later files have higher ones.
func fileNumber(path string) uint64 {
	n, _, _ := strings.Cut(filepath.Base(path), ".")
	number, err := strconv.ParseUint(n, 10, 64)
	if err != nil {
		return 0
	}
	return number
}

// end ends the process because the store is damaged and cannot be repaired. The next one moves it
// aside.
func (s *Store) end(cause error) {
	s.o.Fatal(errors.Join(cause, s.markDamaged()))
}

func (s *Store) markDamaged() error {
	f, err := s.o.fs.Create(s.flag(), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), s.syncDir(s.path()))
}

// flagged returns an error if the last process has ended because the store is damaged.
func (s *Store) flagged() error {
	if _, err := s.o.fs.Stat(s.flag()); err != nil {
		return nil
	}
	return fmt.Errorf("%w: found by the last process", errEntry)
}

// hasManifest returns an error if the store has data and no file that says which manifest is the newest.
// Pebble would take the directory for a new one, and remove the data.
func (s *Store) hasManifest() error {
	names, _ := s.o.fs.List(s.path()) // a new store has none
	data := false
	for _, name := range names {
		if strings.HasPrefix(name, "marker.manifest.") {
			return nil
		}
		data = data || strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".log")
	}
	if data {
		return fmt.Errorf("%w: the file marker.manifest is missing", errEntry)
	}
	return nil
}

func (s *Store) flag() string { return s.o.fs.PathJoin(s.path(), flagName) }

// heal begins again without what is damaged, if something is.
func (l *Log) heal() {
	cause := l.broken.Load()
	if cause == nil {
		return
	}
	<-l.last // nothing is on its way to the disk
	defer func() { l.last <- struct{}{} }()
	l.s.state.Lock()
	l.making.Lock()
	l.delivering.Lock()
	err := l.giveUp(*cause)
	var after func()
	if err == nil && l.deliver != nil {
		after = l.deliver(notify.Batch{Loss: &notify.Loss{Head: l.Head()}})
	}
	l.delivering.Unlock()
	l.making.Unlock()
	l.s.state.Unlock()
	if err != nil {
		l.s.end(fmt.Errorf("damaged data cannot be dropped: %w", err))
		return
	}
	if after != nil {
		after()
	}
}

// giveUp begins a new epoch without any of the messages: a part of the store cannot be read. It
// keeps everything else that can. It excises all tables, because Pebble compacts a
// damaged one again and again as long as a part of it is in use.
func (l *Log) giveUp(cause error) error {
	head, db := l.head.Load(), l.s.db
	l.raise(head)
	l.losses.Add(1)
	state := salvageState(db, time.Now().Add(salvageTime))
	l.s.o.Log.Error("stored data is damaged: the notifications are dropped, and all clients get a gap",
		zap.Uint64("up_to", head), state.field(), zap.Error(cause))
	everything := pebble.KeyRange{Start: []byte{0}, End: []byte{0xff}}
	if err := db.Excise(context.Background(), everything); err != nil {
		return err
	}
	l.chunks, l.newest = newChunks(l.s.o), nil
	l.floors.replace(nil) // all rooms have that of the log
	l.epoch.Store(newEpoch(l.epoch.Load()))
	b := db.NewBatch()
	defer b.Close()
	for _, set := range append(state.entries, metaEntries(meta{
		epoch: l.epoch.Load(), floor: head,
	})...) {
		if err := b.Set(set.key, set.value, nil); err != nil {
			return err
		}
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return err
	}
	names, err := l.s.o.fs.List(l.s.path())
	if err != nil {
		return err
	}
	for _, name := range names {
		l.dropped.Store(max(l.dropped.Load(), fileNumber(name)))
	}
	l.broken.Store(nil)
	return errors.Join(l.s.mark.set(l.Head()), l.s.mark.sync())
}
