//go:build !linux

package server

import "syscall"

// socketOptions does nothing: only Linux has TCP_USER_TIMEOUT. Keepalive and the deadlines of
// writes end a dead connection, later than on Linux.
func socketOptions(_, _ string, _ syscall.RawConn) error { return nil }
