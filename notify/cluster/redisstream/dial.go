package redisstream

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/redis/go-redis/v9"
)

// keepAlive finds a server that has vanished while a connection waits for it.
var keepAlive = net.KeepAliveConfig{
	Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3,
}

// dial opens a connection. It ends with ctx, and with the client, but before the time of a call that
// waits for it, so that the error of the call says what failed.
func (c *Client) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout*3/4)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	dialer := net.Dialer{KeepAliveConfig: keepAlive}
	conn, err := dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if c.tls == nil {
		return patient(conn, c.pageTimeout), nil
	}
	config := c.tls.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(addr)
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("TLS handshake with %s: %w", addr, err) // a server without TLS says nothing
	}
	return patient(secure, c.pageTimeout), nil
}

// lateErrors makes a dial that fails succeed, with a connection that fails. After errors of its
// dialer, the pool of go-redis refuses commands until a goroutine, which sleeps for a second
// between its attempts, has connected; that goroutine would outlive the client. Here every command
// tries, and the first after an outage succeeds.
type lateErrors struct{ c *Client }

func (h lateErrors) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		if err != nil {
			return failedConn{fmt.Errorf("connect: %w", &dialError{err})}, nil // go-redis unwraps it once
		}
		if remote, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil {
			h.c.remote.Store(&remote)
		}
		return conn, nil
	}
}

func (lateErrors) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (lateErrors) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// dialError is the error of a command that was not sent, because there was no connection.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// failedConn is a connection that could not be opened.
type failedConn struct{ err error }

func (c failedConn) Read([]byte) (int, error)       { return 0, c.err }
func (c failedConn) Write([]byte) (int, error)      { return 0, c.err }
func (failedConn) Close() error                     { return nil }
func (failedConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (failedConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (failedConn) SetDeadline(time.Time) error      { return nil }
func (failedConn) SetReadDeadline(time.Time) error  { return nil }
func (failedConn) SetWriteDeadline(time.Time) error { return nil }
