//go:build unix

package sockets

import (
	"os"
	"syscall"
)

// yielder makes the runtime poll the network. The runtime does so when a processor has no goroutine
// to run: on one processor a writer that never waits would delay requests by as much as 10 ms, and
// with them notifications that could use the same write. So the writer waits for a pipe that it
// writes to itself, which takes some microseconds. The zero yielder is ready to use, by one
// goroutine at a time. Its pipe stays open as long as the yielder is in use.
type yielder struct {
	in, out *os.File
	raw     syscall.RawConn // of in
	check   func(fd uintptr) (done bool)
	written bool
	buf     [1]byte
}

// yield returns after the runtime has polled the network.
func (y *yielder) yield() {
	if y.check == nil {
		y.check = y.writeThenRead
		in, out, err := os.Pipe()
		if err != nil {
			return
		}
		if raw, err := in.SyscallConn(); err == nil {
			y.in, y.out, y.raw = in, out, raw
		}
	}
	if y.raw != nil {
		y.written = false
		_ = y.raw.Read(y.check)
	}
}

// writeThenRead writes to the pipe at the first call. RawConn then notices that it can be read, and
// the second call reads from it.
func (y *yielder) writeThenRead(fd uintptr) (done bool) {
	if !y.written {
		y.written = true
		_, err := y.out.Write(y.buf[:])
		return err != nil
	}
	n, err := syscall.Read(int(fd), y.buf[:])
	return n > 0 || err != syscall.EAGAIN
}
