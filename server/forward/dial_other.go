//go:build !linux

package forward

import "syscall"

func socketOptions(_, _ string, _ syscall.RawConn) error { return nil }
