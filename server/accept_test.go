package server

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
)

// While most descriptors are in use, the listener closes connections of an address that has an
// eighth of the limit, and accepts those of others and of proxies.
func TestOneAddressLeavesDescriptorsToOthers(t *testing.T) {
	t.Parallel()
	own, other := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.1")
	for name, c := range map[string]struct {
		holder  netip.Addr
		held    int // connections of holder, of a limit of 400 open files
		trusted string
		accepts bool
	}{
		"there are enough":           {own, 339, "", true},
		"it has too many":            {own, 340, "", false},
		"another address has them":   {other, 340, "", true},
		"it is a proxy with clients": {own, 340, "127.0.0.0/8", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := limit.NewDescriptors(400, 0)
			for range c.held {
				here, there := net.Pipe()
				_ = there.Close()
				counted := files.CountClient(here, c.holder)
				t.Cleanup(func() { _ = counted.Close() })
			}
			plain, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var trusted []netip.Prefix
			if c.trusted != "" {
				trusted = append(trusted, netip.MustParsePrefix(c.trusted))
			}
			l := newCounted(plain, files, false, trusted, zap.NewNop())
			l.since, l.last = time.Now().Add(-crowdedAfter), time.Now()
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = io.WriteString(conn, "hello")
					_ = conn.Close()
				}
			}()
			defer func() { _ = l.Close(); <-done }()
			var got []byte
			conn, err := net.Dial("tcp", plain.Addr().String())
			switch {
			case err == nil:
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(servertest.Patience))
				got, _ = io.ReadAll(conn)
			case !errors.Is(err, syscall.ECONNRESET): // the reset may be faster than Dial
				t.Fatal(err)
			}
			if (string(got) == "hello") != c.accepts {
				t.Errorf("got %q, accepted: want %t", got, c.accepts)
			}
		})
	}
}

// When connections that send nothing have taken all descriptors, they give way to a client with a
// request, before the deadline for their headers. One that has sent a request stays.
func TestSilentConnectionsGiveWay(t *testing.T) {
	t.Parallel()
	const files = 40
	srv := newHTTPServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello")
	}), zap.NewNop())
	srv.ReadHeaderTimeout = time.Hour
	limit.Hear(srv)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	descriptors := limit.NewDescriptors(files, 0)
	l := newCounted(plain, descriptors, false, nil, zap.NewNop())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	defer func() { _ = srv.Close(); <-done }()
	dial := func(from byte) (net.Conn, error) {
		dialer := net.Dialer{}
		if runtime.GOOS == "linux" { // all of 127.0.0.0/8 is loopback
			dialer.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, from)}
		}
		conn, err := dialer.DialContext(t.Context(), "tcp", plain.Addr().String())
		if err == nil {
			t.Cleanup(func() { _ = conn.Close() })
			_ = conn.SetDeadline(time.Now().Add(servertest.Patience))
		}
		return conn, err
	}
	ask := func(conn net.Conn) error {
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			return err
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, res.Body)
		return err
	}
	old, err := dial(2)
	if err == nil {
		err = ask(old)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range files*19/20 - 1 { // the rest is the reserve
		if _, err := dial(1); err != nil {
			t.Fatal(err)
		}
	}
	servertest.Eventually(t, "all descriptors are taken", descriptors.Full)
	servertest.Eventually(t, "a client gets an answer", func() bool {
		conn, err := dial(2) // a slow client gives way itself, even before dial returns, and tries again
		return err == nil && ask(conn) == nil
	})
	if err := ask(old); err != nil {
		t.Errorf("the connection that had sent a request: %v", err)
	}
}
