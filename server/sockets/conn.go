package sockets

import "net"

// Plain returns the connection below TLS, or conn itself.
func Plain(conn net.Conn) net.Conn {
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		return t.NetConn()
	}
	return conn
}

// Reset closes a connection so that the kernel discards the bytes that the client has not read. It
// closes the connection below TLS, because the Close of TLS would write.
func Reset(conn net.Conn) {
	conn = Plain(conn)
	if t, ok := conn.(interface{ SetLinger(int) error }); ok {
		_ = t.SetLinger(0)
	}
	_ = conn.Close()
}
