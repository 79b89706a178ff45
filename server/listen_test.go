package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/servertest"
)

func TestListenPortTaken(t *testing.T) {
	t.Parallel()
	l, err := listenTCP(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	address := l.Addr().String()
	_, err = listenTCP(context.Background(), address)
	if !errors.Is(err, syscall.EADDRINUSE) ||
		!strings.HasPrefix(err.Error(), "cannot listen on "+address+": the port is taken") {
		t.Errorf("%v", err)
	}
	if _, err = listenTCP(context.Background(), "127.0.0.1:port"); err == nil ||
		!strings.HasPrefix(err.Error(), "cannot listen on 127.0.0.1:port: ") {
		t.Errorf("%v", err)
	}
}

func TestHeaderLimits(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok")
	})
	address := servertest.Run(t, newHTTPServer(handler, zap.NewNop()))
	request := func(n int) string {
		const start, end = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ", "\r\n\r\n"
		return start + strings.Repeat("x", n-len(start)-len(end)) + end
	}
	const slop = 4 << 10 // net/http allows this much more
	answer := servertest.Raw(t, address, request(maxHeaderBytes))
	if !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
		t.Errorf("16 KiB: %.100s", answer)
	}
	answer = servertest.Raw(t, address, request(maxHeaderBytes+slop+1))
	if !strings.HasPrefix(answer, "HTTP/1.1 431 ") {
		t.Errorf("20 KiB and a byte: %.100s", answer)
	}
	many := strings.Repeat("A: b\r\n", 4000)
	answer = servertest.Raw(t, address, "GET / HTTP/1.1\r\nHost: x\r\n"+many+"\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 431 ") {
		t.Errorf("4000 headers: %.100s", answer)
	}
	// The server closes the connection long before the end of a header of 1 MiB.
	if answer := servertest.Raw(t, address,
		"GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 1<<20)); answer != "" &&
		!strings.HasPrefix(answer, "HTTP/1.1 431 ") {
		t.Errorf("endless: %.100s", answer)
	}
}

// The server closes connections that do not complete their header in time, and none earlier.
// D07 of the fault list.
func TestSlowHeaders(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes the 5 s of the header deadline")
	}
	address := servertest.Run(t, newHTTPServer(http.NotFoundHandler(), zap.NewNop()))
	checkSlow(t, address, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
}

// C13 of the fault list: a TLS handshake has the deadline of a header.
func TestSlowHandshakes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes the 5 s of the header deadline")
	}
	certFile, keyFile, _ := writeCertificate(t)
	l, err := listenTCP(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newHTTPServer(http.NotFoundHandler(), zap.NewNop())
	var pair certificate
	if err := pair.load(certFile, keyFile); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- serveTLS(s, l, pair.config()) }()
	defer func() { _ = s.Close(); <-done }()
	checkSlow(t, l.Addr().String(), "\x16\x03\x01") // the start of a record
}

// checkSlow opens connections with the start of a request, and fails the test unless the server
// closes them after the deadline for headers. In make soak all 500 are closed after 11 s; the log
// has the memory that they leave, which is exact when no other test runs.
func checkSlow(t *testing.T, address, start string) {
	t.Helper()
	n, soak := 200, servertest.Soaked(1) > 1
	var before int64
	if soak {
		n, before = 500, servertest.Heap()
	}
	begun := time.Now()
	var wg sync.WaitGroup
	for range n {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, start)
		wg.Go(func() {
			defer c.Close()
			_ = c.SetReadDeadline(time.Now().Add(servertest.Patience))
			if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the server keeps a connection without a complete header")
			}
		})
	}
	wg.Wait()
	took := time.Since(begun)
	if took < readHeaderTimeout {
		t.Errorf("the server closed the connections after %v", took)
	}
	if !soak {
		return
	}
	grown := servertest.Heap() - before
	t.Logf("%d connections were closed after %v, and the heap grew by %d bytes", n, took, grown)
	if took > 11*time.Second {
		t.Error("that is too late")
	}
}

func TestServerTimeouts(t *testing.T) {
	t.Parallel()
	s := newHTTPServer(http.NotFoundHandler(), zap.NewNop())
	if s.ReadTimeout != 0 || s.WriteTimeout != 0 || s.ReadHeaderTimeout != 5*time.Second ||
		s.IdleTimeout != 75*time.Second || s.ErrorLog == nil {
		t.Errorf("%+v", s)
	}
}
