package forward

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// userTimeout is the time after which the kernel closes a connection to a node that does not
// acknowledge data: keepalive does not run then.
const userTimeout = 20_000 // ms

func socketOptions(_, _ string, c syscall.RawConn) error {
	var err error
	controlErr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, userTimeout)
	})
	return errors.Join(controlErr, err)
}
