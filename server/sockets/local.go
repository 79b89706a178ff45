package sockets

import (
	"net"
	"syscall"
)

// Local is a connection over a unix socket. Its client has no address, and the text of a unix
// address is up to the client. RemoteAddr returns a port of 127.0.0.1 instead, because the client is
// a process of this machine: limits and trusted proxies then work as for one that connects by
// loopback.
type Local struct{ *net.UnixConn }

// RemoteAddr implements net.Conn.
func (Local) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// Socket implements Counted.
func (c Local) Socket() syscall.Conn { return c.UnixConn }
