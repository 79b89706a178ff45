package disklog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// acquire takes the lock of the directory and writes the process id into it, for the error of the
// next process.
func (s *Store) acquire() (err error) {
	if s.lock, err = lockDir(s.o.fs, s.o.Dir); err != nil {
		return err
	}
	holder := s.o.fs.PathJoin(s.o.Dir, holderName)
	f, err := s.o.fs.Create(holder, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(strconv.Itoa(os.Getpid()) + "\n"))
	return errors.Join(err, f.Close())
}

// holderName is a file with the id of the process that has the directory.
const holderName = "holder"

// lockDir takes the lock of a directory.
func lockDir(files vfs.FS, dir string) (*pebble.Lock, error) {
	lock, err := pebble.LockDirectory(dir, files)
	if err == nil || errors.Is(err, fs.ErrPermission) || isReadOnly(err) {
		return lock, err
	}
	f, openErr := files.Open(files.PathJoin(dir, holderName))
	if openErr != nil {
		return nil, fmt.Errorf("cannot be locked: %w", err)
	}
	text := make([]byte, 20)
	n, _ := f.Read(text)
	_ = f.Close()
	return nil, fmt.Errorf("%w by the process %s", ErrInUse, strings.TrimSpace(string(text[:n])))
}
