package redisstream

import (
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// maxReply is how long a reply may come, piece by piece.
const maxReply = 5 * time.Minute

// patientConn is a connection whose reads go on while bytes arrive, if their deadline is further away than
// that of a page: it is that of a single entry, which cannot be asked for in smaller parts.
type patientConn struct {
	net.Conn
	than time.Duration // reads with a later deadline are patient

	window atomic.Int64 // how long a read may bring nothing, in ns; 0: it has a fixed deadline
	until  atomic.Int64 // when a patient read ends, in ns since began
}

var began = time.Now()

// patient returns a connection for go-redis, which looks whether an idle one has a socket to ask.
func patient(conn net.Conn, than time.Duration) net.Conn {
	p := &patientConn{Conn: conn, than: than}
	if socket, ok := conn.(syscall.Conn); ok {
		return &struct {
			*patientConn
			syscall.Conn
		}{p, socket}
	}
	return p
}

// SetReadDeadline implements net.Conn.
func (c *patientConn) SetReadDeadline(t time.Time) error {
	window := time.Until(t)
	if t.IsZero() || window <= c.than {
		window = 0
	}
	c.until.Store(int64(time.Since(began) + maxReply))
	c.window.Store(int64(window))
	return c.Conn.SetReadDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *patientConn) SetDeadline(t time.Time) error {
	c.window.Store(0)
	return c.Conn.SetDeadline(t)
}

func (c *patientConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if window := c.window.Load(); n > 0 && window > 0 {
		left := c.until.Load() - int64(time.Since(began))
		_ = c.Conn.SetReadDeadline(time.Now().Add(time.Duration(min(window, left)))) // else the next read fails
	}
	return n, err
}
