//go:build linux

package load

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// dialSeconds is the longest time for a connection to the server, and for a write to it.
const dialSeconds = 5

// dial opens a connection from a source address and adds it to epoll.
func (f *Fleet) dial(owner Protocol, source [4]byte, number int) (*client, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	c := &client{fd: fd, number: number, owner: owner}
	if err := f.connect(c, source); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	for len(f.clients) <= fd {
		f.clients = append(f.clients, nil)
	}
	f.clients[fd] = c
	return c, nil
}

func (f *Fleet) connect(c *client, source [4]byte) error {
	// The kernel takes the port at connect, when it knows the other end, so that a port is used
	// with several servers.
	if err := unix.SetsockoptInt(c.fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return fmt.Errorf("bind without a port: %w", err)
	}
	if err := unix.Bind(c.fd, &unix.SockaddrInet4{Addr: source}); err != nil {
		return fmt.Errorf("bind to %v: %w", source, err)
	}
	// SO_SNDTIMEO limits connect too. A reset at the close leaves no port in TIME_WAIT.
	limit := unix.Timeval{Sec: dialSeconds}
	if err := unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err != nil {
		return fmt.Errorf("time to connect: %w", err)
	}
	reset := unix.Linger{Onoff: 1}
	if err := unix.SetsockoptLinger(c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &reset); err != nil {
		return fmt.Errorf("reset at close: %w", err)
	}
	if err := unix.SetsockoptInt(c.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return fmt.Errorf("no delay: %w", err)
	}
	if err := f.complete(c.fd, unix.Connect(c.fd, &f.server)); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(c.fd)}
	if err := unix.EpollCtl(f.epoll, unix.EPOLL_CTL_ADD, c.fd, &event); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

// complete waits for a connection that a signal has interrupted: it continues without the caller.
func (f *Fleet) complete(fd int, err error) error {
	if err != unix.EINTR {
		return err
	}
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	for err == unix.EINTR {
		_, err = unix.Poll(poll, dialSeconds*1000)
	}
	if err != nil {
		return err
	}
	failed, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && failed != 0 {
		err = unix.Errno(failed)
	}
	return err
}

// send writes all of data. The socket blocks for at most dialSeconds; clients send little, which
// fits the buffer of the kernel.
func (f *Fleet) send(c *client, data []byte) error {
	for len(data) > 0 {
		n, err := unix.Write(c.fd, data)
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		data = data[n:]
	}
	return nil
}
