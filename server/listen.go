package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/roomcast/roomcast/server/edge"
)

const (
	// userTimeout is the time after which the kernel closes a connection that does not acknowledge
	// data. Keepalive is not enough: it does not run while data is in flight, as on a stream. While
	// none is in flight, the kernel counts the same time in keepalive probes, from the last bytes of
	// the client. So a ping of Engine.IO can come just before its end and start it again, and a
	// client that a network has swallowed is gone after twice the time, at most.
	userTimeout = 20 * time.Second

	// sendBuffer bounds what the kernel buffers for a client that does not read. With this size it
	// is 234 KB per client, with the automatic size 3.8 MB.
	sendBuffer = 64 << 10

	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 75 * time.Second // longer than the 60 s of common proxies
	maxHeaderBytes    = 16 << 10         // net/http allows 4 KiB more

	// http2Streams bounds the requests of one HTTP/2 connection, each of which takes a goroutine
	// although they share one descriptor. RFC 9113, section 6.5.2, advises 100 or more.
	http2Streams = 100
	// http2Buffer bounds the bytes of bodies that net/http keeps for one HTTP/2 connection while
	// handlers do not read them, by default 1 MiB. At 50 ms to the client it is 5 MB/s.
	http2Buffer = 256 << 10
	// http2Part is that of one request, so that a body which waits leaves room for others.
	http2Part = 64 << 10
)

// listen opens a listener on host:port, or on unix:path.
func listen(ctx context.Context, address string, mode os.FileMode) (net.Listener, error) {
	if path, isUnix := strings.CutPrefix(address, unixPrefix); isUnix {
		return listenUnix(ctx, path, mode)
	}
	return listenTCP(ctx, address)
}

// listenTCP opens a TCP listener on host:port. Accepted connections inherit its socket options. It
// disables Multipath TCP, which does not support TCP_USER_TIMEOUT: a half-open connection would
// live for minutes.
func listenTCP(ctx context.Context, address string) (net.Listener, error) {
	config := net.ListenConfig{
		Control: socketOptions,
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3,
		},
	}
	config.SetMultipathTCP(false)
	l, err := config.Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("cannot listen on %s: the port is taken, "+
			"set another one with PORT or --port: %w", address, err)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	return l, nil
}

// newHTTPServer returns a server with a deadline of 5 s for headers and of 75 s for idle
// connections. It has no ReadTimeout and no WriteTimeout, which would end streams; the handlers set
// deadlines for each body and each write.
func newHTTPServer(handler http.Handler, log *zap.Logger) *http.Server {
	// net/http logs errors of clients, such as broken TLS handshakes.
	errorLog, _ := zap.NewStdLogAt(log, zapcore.DebugLevel) // fails for unknown levels only
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          errorLog,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          http2Streams,
			MaxReceiveBufferPerConnection: http2Buffer,
			MaxReceiveBufferPerStream:     http2Part,
			// Pings find a dead peer also behind a proxy.
			SendPingTimeout:  15 * time.Second,
			PingTimeout:      15 * time.Second,
			WriteByteTimeout: userTimeout,
		},
	}
}

// addressOf returns the address of a client's connection. A trusted proxy has those of many clients.
func (s *Service) addressOf(conn net.Conn) (ip netip.Addr, ok bool) {
	ip = edge.RemoteIP(conn.RemoteAddr().String())
	return ip, ip.IsValid() && !edge.Contains(s.o.TrustedProxies, ip)
}

// serveTLS serves HTTPS: HTTP/2 for clients that offer it, and HTTP/1.1, which websockets need.
// Like http.Server.Serve it returns when the server is closed.
func serveTLS(s *http.Server, l net.Listener, c *tls.Config) error {
	s.TLSConfig = c
	if err := countFrames(s); err != nil {
		return err
	}
	return s.ServeTLS(l, "", "")
}
