package disklog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FormerName is the directory in the data directory that has the store that Restore has replaced.
const FormerName = "store.before"

// Restore makes the next server on a data directory begin an epoch, because it goes on from a copy:
// ids after that may have been given already. It puts the store of the data directory from, such as
// a backup, in the place of the one of dir, which gets the name FormerName. With from "" the store
// stays, because dir itself is the copy, such as a snapshot of a volume. An interruption leaves the
// former store or the restored one. The error wraps ErrInUse when a process has a directory open.
func Restore(dir, from string) (err error) {
	if from != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	lock, err := lockDir(vfs.Default, dir)
	if err != nil {
		return fmt.Errorf("data directory %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	store := filepath.Join(dir, storeName)
	if from == "" {
		if _, err := os.Stat(store); err != nil {
			return fmt.Errorf("data directory %s: %w: %w", dir, ErrNoStore, err)
		}
		return unmark(dir)
	}
	former := filepath.Join(dir, FormerName)
	if _, err := os.Lstat(former); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s exists: remove it first", former)
	}
	copied := filepath.Join(dir, "restoring")
	if err := copyFrom(from, copied); err != nil {
		return err
	}
	// First the mark: with that of another store the server would not notice the copy.
	if err := unmark(dir); err != nil {
		return err
	}
	if err := os.Rename(store, former); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errors.Join(os.Rename(filepath.Join(copied, storeName), store), os.Remove(copied),
		syncOSDir(dir))
}

// copyFrom copies a store without damage to a new data directory.
func copyFrom(from, to string) error {
	files, err := OpenFiles(from)
	if err != nil {
		return err
	}
	defer files.Close()
	if damage := files.Damage(); damage != "" {
		return fmt.Errorf("%s: %s", from, damage)
	}
	if err := os.RemoveAll(to); err != nil { // of a Restore that was interrupted
		return err
	}
	return files.Backup(to)
}

// unmark removes the mark of a data directory.
func unmark(dir string) error {
	if err := os.Remove(filepath.Join(dir, markName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncOSDir(dir)
}
