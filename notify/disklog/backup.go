package disklog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/roomcast/roomcast/notify"
)

// BackupName is the directory in the data directory that has the copy of Store.Backup.
const BackupName = "backup"

// ErrBackupRuns is the error of Store.Backup while another one runs.
var ErrBackupRuns = errors.New("another backup is running")

// Backup writes a copy of the store into the directory BackupName of the data directory, which is a
// data directory itself. It replaces the former one. The copy is of one moment and has everything
// that was acknowledged before the call. Most files are hard links, so it takes little time and
// space. Its id is that of the last message at the start of the call. Publishers need not wait.
func (s *Store) Backup() (dir string, head notify.ID, err error) {
	if !s.backup.TryLock() {
		return "", head, ErrBackupRuns
	}
	defer s.backup.Unlock()
	l := s.Log()
	if err := l.room(); err != nil {
		return "", head, err
	}
	dir, head = s.o.fs.PathJoin(s.o.Dir, BackupName), l.Head()
	if err := s.o.fs.RemoveAll(dir); err != nil {
		return "", head, err
	}
	if err := s.o.fs.MkdirAll(dir, 0o700); err != nil {
		return "", head, err
	}
	err = s.db.Checkpoint(s.o.fs.PathJoin(dir, storeName), pebble.WithFlushedWAL())
	if err == nil {
		err = s.syncDir(dir)
	}
	if err != nil {
		return "", head, errors.Join(fmt.Errorf("the store cannot be copied: %w", err),
			s.o.fs.RemoveAll(dir))
	}
	return dir, head, nil
}

// Backup copies the store to a directory, which must not exist.
func (f *Files) Backup(to string) error {
	names, err := f.fs.List(f.path)
	if err != nil {
		return err
	}
	return copyStore(f.path, to, names)
}

// MoveBackup moves a data directory, such as that of Store.Backup, to another place, which must not
// exist. It copies the files when that is in another file system.
func MoveBackup(from, to string) error {
	if err := os.Rename(from, to); err == nil {
		return syncParent(to)
	}
	source := filepath.Join(from, storeName)
	entries, err := os.ReadDir(source)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if err := copyStore(source, to, names); err != nil {
		return err
	}
	return os.RemoveAll(from)
}

// copyStore copies the files of a store to a new data directory. That gets its name at the end, so
// that there is no part of a copy under it.
func copyStore(from, to string, names []string) (err error) {
	partial := to + ".partial"
	target := filepath.Join(partial, storeName)
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(partial)
		}
	}()
	if err := os.MkdirAll(target, 0o700); err != nil {
		return err
	}
	for _, name := range names {
		if name == "LOCK" {
			continue
		}
		if err := copyFile(filepath.Join(from, name), filepath.Join(target, name)); err != nil {
			return err
		}
	}
	if err := errors.Join(syncOSDir(target), syncOSDir(partial)); err != nil {
		return err
	}
	if err := os.Rename(partial, to); err != nil {
		return err
	}
	return syncParent(to)
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Sync(), target.Close())
}

func syncParent(path string) error { return syncOSDir(filepath.Dir(path)) }

func syncOSDir(path string) error {
	dir, err := vfs.Default.OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
