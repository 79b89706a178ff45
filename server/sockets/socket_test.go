//go:build unix

package sockets

import (
	"net"
	"testing"
)

// Only sockets have a descriptor: the Write of another type must not be bypassed.
func TestDescriptor(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if Descriptor(conn) < 0 {
		t.Error("a TCP connection has none")
	}
	if fd := Descriptor(struct{ *net.TCPConn }{conn.(*net.TCPConn)}); fd >= 0 {
		t.Errorf("a wrapped connection has %d", fd)
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if fd := Descriptor(a); fd >= 0 {
		t.Errorf("a pipe has %d", fd)
	}
}
