//go:build unix

package sockets

import (
	"net"
	"testing"
)

// pair returns two ends of a TCP connection.
func pair(t *testing.T) (server, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server, client
}

// Pending sees bytes and leaves them to the reader.
func TestPending(t *testing.T) {
	server, client := pair(t)
	fd := Descriptor(server)
	if Pending(fd) || Pending(-1) {
		t.Error("bytes before any was sent")
	}
	if _, err := client.Write([]byte("ab")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a", "b"} {
		p := make([]byte, 1)
		if _, err := server.Read(p); err != nil || string(p) != want {
			t.Fatalf("read %q, %v", p, err)
		}
		if got := Pending(fd); got != (want == "a") {
			t.Errorf("after %s: %v", want, got)
		}
	}
	_ = client.Close()
	if n, err := server.Read(make([]byte, 1)); n != 0 || err == nil || Pending(fd) {
		t.Errorf("after the end: %d bytes, %v", n, err)
	}
}

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
