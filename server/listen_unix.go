//go:build unix

package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// restrict takes permissions from a socket that has no file yet. Systems other than Linux refuse it.
func restrict(c syscall.RawConn, mode os.FileMode) error {
	return c.Control(func(fd uintptr) { _ = unix.Fchmod(int(fd), uint32(mode.Perm())) })
}

// lockDirectory waits until no other server opens a socket in a directory. The kernel releases the
// lock of a process that crashes.
func lockDirectory(ctx context.Context, name string) (unlock func(), err error) {
	directory, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	for {
		err = unix.Flock(int(directory.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = directory.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			break
		}
		select {
		case <-time.After(lockPause):
			continue
		case <-ctx.Done():
		}
		break
	}
	_ = directory.Close()
	return nil, fmt.Errorf("cannot lock %s: %w", name, err)
}
