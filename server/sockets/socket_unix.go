//go:build unix

package sockets

import (
	"io"
	"net"
	"syscall"
)

// Counted is a connection that reads and writes as its socket does.
type Counted interface {
	Socket() syscall.Conn
}

// Descriptor returns the descriptor of the socket that a connection writes to. It returns -1 if a
// write does more than that: with TLS, or for a type with its own Write.
func Descriptor(conn net.Conn) int {
	var access syscall.Conn
	switch c := conn.(type) {
	case *net.TCPConn:
		access = c
	case *net.UnixConn:
		access = c
	case Counted:
		access = c.Socket()
	default:
		return -1
	}
	found := -1
	if raw, err := access.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { found = int(fd) })
	}
	return found
}

// Read reads the bytes that the socket has, without waiting; there may be none. It returns io.EOF
// at the end. The caller ensures that the socket is not closed meanwhile.
func Read(fd int, p []byte) (n int, err error) {
	switch n, err = syscall.Read(fd, p); {
	case err == syscall.EAGAIN, err == syscall.EINTR:
		return 0, nil
	case err == nil && n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return max(n, 0), err
}

// Pending reports whether the socket has bytes to read. The caller ensures that the socket is not
// closed meanwhile.
func Pending(fd int) bool {
	if fd < 0 {
		return false
	}
	var p [1]byte
	n, _, err := syscall.Recvfrom(fd, p[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return err == nil && n > 0
}

// Write writes as much of p as the socket takes without waiting. The caller ensures that the socket
// is not closed meanwhile: the lock of net.Conn for that costs a tenth of the write, in cache
// misses.
func Write(fd int, p []byte) (n int, err error) {
	for len(p) > 0 {
		switch n, err = syscall.Write(fd, p); err {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return 0, nil
		}
		break
	}
	return max(n, 0), err
}
