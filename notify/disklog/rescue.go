package disklog

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/zap"
)

// rescueTime is how long the copy of what can be read may take: a supervisor may kill a server that
// takes longer to start, again and again.
const rescueTime = 20 * time.Second

// The directory of the copy, until it is complete and after that.
const (
	partialName = storeName + ".partial"
	rescuedName = storeName + ".rescued"
)

// rescue replaces a damaged store by a copy of what can be read, and moves it aside. The store keeps
// its name until the copy is complete, so a process that ends meanwhile leaves it as it was, and the
// next one begins again.
func (s *Store) rescue(cause error) error {
	if s.db != nil {
		_ = s.db.Close() // it was only read
		s.db = nil
	}
	if s.mark != nil {
		_ = s.mark.f.Close()
		s.mark = nil
	}
	in, err := openDamaged(s.o.fs, s.path())
	if err != nil {
		return err
	}
	former, err := readMeta(in)
	if err != nil && !damaged(err) {
		return err // of a newer version
	}
	s.former = former.epoch
	aside := s.path() + asideInfix + s.o.Now().UTC().Format("20060102T150405.000")
	s.o.Log.Error("the data is damaged: what can be read is copied, the rest is moved aside, and "+
		"clients that reconnect get a gap", zap.String("to", filepath.Base(aside)), zap.Error(cause))
	_ = s.markDamaged() // so that the next process does not write to it before
	partial := s.inDir(partialName)
	if err := s.copyTo(partial, in, former); err != nil {
		return fmt.Errorf("what can be read of the damaged data cannot be copied: %w", err)
	}
	if err := s.rename(partial, s.inDir(rescuedName)); err != nil {
		return err
	}
	if err := s.rename(s.path(), aside); err != nil {
		return err
	}
	if err := s.takeRescued(); err != nil {
		return err
	}
	return s.removeAsides(asides)
}

// takeRescued ends a rescue: it gives the complete copy the name of the store when the damaged one is
// aside, and removes what a process has left that ended before that.
func (s *Store) takeRescued() error {
	if !s.exists(s.path()) && s.exists(s.inDir(rescuedName)) {
		if err := s.rename(s.inDir(rescuedName), s.path()); err != nil {
			return err
		}
		s.rescued = true
	}
	for _, name := range []string{partialName, rescuedName} {
		if path := s.inDir(name); s.exists(path) {
			if err := s.o.fs.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) exists(path string) bool {
	_, err := s.o.fs.Stat(path)
	return err == nil
}

func (s *Store) inDir(name string) string { return s.o.fs.PathJoin(s.o.Dir, name) }

// rename renames a directory in the data directory.
func (s *Store) rename(from, to string) error {
	return errors.Join(s.o.fs.Rename(from, to), s.syncDir(s.o.Dir))
}

// copyTo makes a store of what can be read. It has no epoch: start gives it one.
func (s *Store) copyTo(path string, in *loose, former meta) error {
	o := s.pebbleOptions()
	o.DisableWAL = true // nothing counts before the end
	failed := o.EventListener.BackgroundError
	o.EventListener.BackgroundError = func(err error) {
		if vfs.IsNoSpaceError(err) { // the engine would wait for ever
			s.o.Fatal(fmt.Errorf("damaged data cannot be copied: %w", err))
		}
		failed(err)
	}
	db, err := pebble.Open(path, o)
	if err != nil {
		return err
	}
	c := &copier{in: in, db: db, log: s.o.Log, floor: former.floor, rooms: former.rooms,
		deadline: time.Now().Add(s.o.rescueTime)}
	c.budget, c.noRoom = s.room()
	c.skipped = len(in.unreadable)
	err = c.run()
	if err == nil {
		err = db.Flush()
	}
	err = errors.Join(err, db.Close(), s.syncDir(path), s.syncDir(s.o.Dir))
	if err == nil {
		c.report()
	}
	return err
}

// room returns how many bytes of messages a copy may have: the engine needs about the same again while
// it sorts them. Without half of Options.MinFree there is no room even for sessions.
func (s *Store) room() (budget int64, none bool) {
	usage, err := s.o.fs.GetDiskUsage(s.o.Dir)
	if err != nil { // some file systems do not say
		return s.o.MaxBytes, false
	}
	if usage.AvailBytes > s.o.MinFree {
		budget = int64((usage.AvailBytes - s.o.MinFree) / 2)
	}
	return budget, usage.AvailBytes < s.o.MinFree/2
}

const (
	// asides is how many damaged stores are kept.
	asides = 2

	asideInfix = ".damaged-"
)

// removeAsides removes the oldest damaged stores except for some.
func (s *Store) removeAsides(keep int) error {
	names, err := s.o.fs.List(s.o.Dir)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return !strings.HasPrefix(name, storeName+asideInfix)
	})
	slices.Sort(names)
	for _, name := range names[:max(0, len(names)-keep)] {
		if err := s.o.fs.RemoveAll(s.inDir(name)); err != nil {
			return err
		}
	}
	return nil
}
