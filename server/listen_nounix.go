//go:build !unix

package server

import (
	"context"
	"os"
	"syscall"
)

// restrict does nothing: the directory of the socket has the permissions.
func restrict(syscall.RawConn, os.FileMode) error { return nil }

// lockDirectory does nothing: the system has no such locks.
func lockDirectory(context.Context, string) (unlock func(), err error) { return func() {}, nil }
