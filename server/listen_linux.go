package server

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// socketOptions sets options on the listening socket. Linux copies them to accepted connections,
// which saves two system calls per connection.
func socketOptions(_, _ string, c syscall.RawConn) error {
	var err error
	controlErr := c.Control(func(fd uintptr) {
		err = errors.Join(
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT,
				int(userTimeout.Milliseconds())),
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer))
	})
	return errors.Join(controlErr, err)
}
