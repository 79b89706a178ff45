package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	// userTimeout is how long sent data may stay unacknowledged. Keepalive does
	// not run while data is in flight, and a stream always has some.
	userTimeout = 30 * time.Second

	// sendBuffer bounds what the kernel takes for a reader that has stopped:
	// with the automatic size that was 3.8 MB for each, with this 234 KB.
	sendBuffer = 64 << 10

	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 75 * time.Second // above the 60 s after which common proxies drop theirs
	maxHeaderBytes    = 16 << 10         // net/http allows 4 KiB more
)

// listen opens host:port with the socket options that connections of ours need;
// accepted ones inherit them. Multipath TCP is off: it has no
// TCP_USER_TIMEOUT, so a half-open connection would live for minutes.
func listen(ctx context.Context, address string) (net.Listener, error) {
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
		return nil, fmt.Errorf("cannot listen on %s: the port is taken, choose another with PORT or --port: %w", address, err)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	return l, nil
}

// newHTTPServer returns a server with deadlines for whatever is not a stream or
// has one of its own: a header must arrive in 5 s, an idle connection ends after
// 75 s. There is no ReadTimeout and no WriteTimeout, which would cut streams;
// handlers set deadlines per body and per write.
func newHTTPServer(handler http.Handler, log *zap.Logger) *http.Server {
	// Broken handshakes and the like: not our errors, but not nothing.
	errorLog, _ := zap.NewStdLogAt(log, zapcore.DebugLevel) // fails for unknown levels only
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          errorLog,
		HTTP2: &http.HTTP2Config{
			// Over HTTP/2 a dead peer is found by pings, whatever lies between.
			SendPingTimeout:  15 * time.Second,
			PingTimeout:      15 * time.Second,
			WriteByteTimeout: userTimeout,
		},
	}
}

// serveTLS serves HTTPS with the certificate and key of these files: HTTP/2 for
// who asks for it, HTTP/1.1 for websockets. Like http.Server.Serve it returns
// when the server ends.
func serveTLS(s *http.Server, l net.Listener, certFile, keyFile string) error {
	s.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	return s.ServeTLS(l, certFile, keyFile)
}
