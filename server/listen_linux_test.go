package server

import (
	"context"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// Accepted connections inherit the socket options of the listener.
func TestSocketOptions(t *testing.T) {
	t.Parallel()
	l, err := listenTCP(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	out, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	in, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	tcp := in.(*net.TCPConn)
	if mptcp, err := tcp.MultipathTCP(); err != nil || mptcp {
		t.Errorf("multipath TCP: %v %v", mptcp, err)
	}
	rawConn, err := tcp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := rawConn.Control(func(fd uintptr) {
		for _, o := range []struct {
			name               string
			level, option, val int
		}{
			{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 20_000},
			{"SO_SNDBUF, which Linux doubles", unix.SOL_SOCKET, unix.SO_SNDBUF, 2 * sendBuffer},
			{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
			{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15},
			{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 5},
			{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
			{"SO_PROTOCOL", unix.SOL_SOCKET, unix.SO_PROTOCOL, unix.IPPROTO_TCP},
		} {
			if got, err := unix.GetsockoptInt(int(fd), o.level, o.option); err != nil ||
				got != o.val {
				t.Errorf("%s is %d (%v), want %d", o.name, got, err, o.val)
			}
		}
	}); err != nil {
		t.Error(err)
	}
}
