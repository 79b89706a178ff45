//go:build !linux

package server

import "syscall"

// socketOptions sets nothing here: TCP_USER_TIMEOUT is Linux's own. Keepalive
// and the deadline of every write still end a dead connection.
func socketOptions(_, _ string, _ syscall.RawConn) error { return nil }
