//go:build unix

package disklog

import (
	"errors"
	"syscall"
)

// isReadOnly reports whether an error is that of a write to a file system that is read-only.
func isReadOnly(err error) bool { return errors.Is(err, syscall.EROFS) }
