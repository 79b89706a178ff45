//go:build linux

// Package load holds many raw websocket or EventSource clients in one thread and counts the
// notifications that they receive.
//
// A goroutine, a buffer and a decoder for each client would cost as much as the server that is
// measured. Here one goroutine waits with epoll(7) for all connections, reads into one buffer and
// counts a byte that only notifications have.
package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Protocol makes clients of one kind join and counts the notifications that they receive.
type Protocol interface {
	// request returns the bytes that client number i sends first.
	request(host string, i int) []byte
	// feed takes bytes that the client received. It keeps those of an incomplete message in c.rest.
	feed(f *Fleet, c *client, data []byte) error
}

const (
	// joining is how many clients connect at the same time; it is below the backlog of every
	// listener.
	joining = 64
	// readSize is the most that is read of a client at once.
	readSize = 256 << 10
	// perAddress is how many clients share a source address, which has 28,000 ports by default.
	perAddress = 10_000
	// longestWait is the time after which a wait looks at its context.
	longestWait = 100 * time.Millisecond
)

// Fleet is many clients of one server. It has no goroutines of its own: connections are read within
// Join, Run and Idle, and all methods must be called from the same goroutine.
type Fleet struct {
	host     string
	server   unix.SockaddrInet4
	protocol Protocol

	epoll      int
	events     []unix.EpollEvent
	buffer     []byte
	clients    []*client // by file descriptor
	publishers []*publisher

	started, joined int   // clients
	delivered       int64 // notifications that clients received
	left            int   // clients whose connection the server closed
}

// client is one connection.
type client struct {
	fd     int
	number int
	owner  Protocol
	state  state
	rest   []byte // bytes of an incomplete message
}

type state uint8

const (
	waiting state = iota // for the head of the response
	open                 // for the message that says it is in the room
	joined
)

// New prepares clients of the server at address, host:port. Close must be called.
func New(address string, protocol Protocol) (*Fleet, error) {
	server, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &Fleet{
		host: address, protocol: protocol, epoll: epoll,
		server: unix.SockaddrInet4{Port: int(server.Port()), Addr: server.Addr().As4()},
		events: make([]unix.EpollEvent, 512), buffer: make([]byte, readSize),
	}, nil
}

// Join connects n clients and returns when the server has put all of them into the room.
func (f *Fleet) Join(ctx context.Context, n int) error {
	for want := f.started + n; f.joined < want; {
		for f.started < want && f.started-f.joined < joining {
			source := [4]byte{127, 0, 0, byte(2 + f.started/perAddress)}
			c, err := f.dial(f.protocol, source, f.started)
			if err != nil {
				return fmt.Errorf("client %d: %w", f.started, err)
			}
			f.started++
			if err := f.send(c, f.protocol.request(f.host, c.number)); err != nil {
				return fmt.Errorf("client %d: %w", c.number, err)
			}
		}
		if err := f.step(ctx, longestWait); err != nil {
			return fmt.Errorf("%d of %d clients joined: %w", f.joined, want, err)
		}
	}
	return nil
}

// Idle answers the pings of the server for the given time.
func (f *Fleet) Idle(ctx context.Context, d time.Duration) error {
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		if err := f.step(ctx, min(left, longestWait)); err != nil {
			return err
		}
	}
}

// Close closes all connections.
func (f *Fleet) Close() {
	for _, c := range f.clients {
		if c != nil {
			_ = unix.Close(c.fd)
		}
	}
	_ = unix.Close(f.epoll)
}

// step waits for bytes and hands them to the connections they are for. It returns after one wait.
func (f *Fleet) step(ctx context.Context, wait time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.left > 0 {
		return fmt.Errorf("the server closed the connections of %d clients", f.left)
	}
	n, err := unix.EpollWait(f.epoll, f.events, int((wait+time.Millisecond-1)/time.Millisecond))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("epoll: %w", err)
	}
	for _, event := range f.events[:max(n, 0)] {
		c := f.clients[event.Fd]
		if err := f.read(c); err != nil {
			return fmt.Errorf("client %d: %w", c.number, err)
		}
	}
	return nil
}

// read reads the bytes that have arrived, up to the size of the buffer.
func (f *Fleet) read(c *client) error {
	n, err := unix.Read(c.fd, f.buffer)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return err
	case n == 0:
		return f.ended(c)
	}
	data := f.buffer[:n]
	if len(c.rest) > 0 {
		data = append(c.rest, data...)
		c.rest = nil
	}
	return c.owner.feed(f, c, data)
}

// ended handles the end of a connection by the server. A server may end that of an idle publisher.
func (f *Fleet) ended(c *client) error {
	if p, ok := c.owner.(*publisher); ok && !p.busy {
		f.publishers = slices.DeleteFunc(f.publishers, func(q *publisher) bool { return q == p })
		f.clients[c.fd] = nil
		return unix.Close(c.fd)
	}
	if c.state != joined {
		return io.ErrUnexpectedEOF
	}
	f.left++
	return unix.EpollCtl(f.epoll, unix.EPOLL_CTL_DEL, c.fd, nil)
}

// keep stores the bytes of an incomplete message until more of it arrives.
func (c *client) keep(data []byte) {
	if len(data) > 0 {
		c.rest = append([]byte(nil), data...)
	}
}

// enter counts a client that the server has put into the room.
func (f *Fleet) enter(c *client) {
	if c.state != joined {
		c.state = joined
		f.joined++
	}
}
