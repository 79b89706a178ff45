package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/roomcast/roomcast/server/sockets"
)

const (
	unixPrefix = "unix:" // of the address of a unix socket

	// staleTimeout bounds the question whether a process listens on a socket, which the kernel
	// answers at once unless its queue of connections is full.
	staleTimeout = time.Second
	lockTimeout  = 5 * time.Second
	lockPause    = 20 * time.Millisecond
)

// listenUnix opens a listener on a unix socket with these permissions. A socket that a process which
// has crashed left there is replaced; one on which a process listens, and any other file, is an
// error. Two servers that start at the same time do this one after the other.
func listenUnix(ctx context.Context, path string, mode os.FileMode) (net.Listener, error) {
	l, err := bindAlone(ctx, path, mode)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s%s: %w", unixPrefix, path, err)
	}
	return l, nil
}

func bindAlone(ctx context.Context, path string, mode os.FileMode) (net.Listener, error) {
	unlock, err := lockDirectory(ctx, filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer unlock()
	l, err := bind(ctx, path, mode)
	if errors.Is(err, syscall.EADDRINUSE) {
		if err = removeStale(ctx, path); err == nil {
			l, err = bind(ctx, path, mode)
		}
	}
	return l, err
}

// bind opens the listener. The socket never has more permissions than mode: Linux takes those of the
// descriptor when it creates the file, and other systems apply the umask until Chmod.
func bind(ctx context.Context, path string, mode os.FileMode) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return restrict(c, mode)
	}}
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	local := &localListener{UnixListener: l.(*net.UnixListener), path: path}
	local.SetUnlinkOnClose(false) // it would remove a socket that is not its own any more
	if err = os.Chmod(path, mode); err == nil {
		local.file, err = os.Lstat(path)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(path), l.Close())
	}
	return local, nil
}

// removeStale removes a socket on which no process listens.
func removeStale(ctx context.Context, path string) error {
	file, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case file.Mode().Type() != os.ModeSocket:
		return errors.New("the file exists, and is no socket")
	}
	conn, err := (&net.Dialer{Timeout: staleTimeout}).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		_ = conn.Close()
		return fmt.Errorf("another process listens there: %w", syscall.EADDRINUSE)
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("cannot find out whether a process listens there: %w", err)
	}
	return os.Remove(path)
}

// adopt returns a listener that somebody else has opened with what the listeners of this package have.
func adopt(l net.Listener) (net.Listener, error) {
	switch l := l.(type) {
	case *net.UnixListener:
		return &localListener{UnixListener: l}, nil
	case *net.TCPListener:
		raw, err := l.SyscallConn()
		if err == nil {
			err = socketOptions("tcp", l.Addr().String(), raw)
		}
		if err != nil {
			// Multipath TCP has no TCP_USER_TIMEOUT, see listenTCP.
			return nil, fmt.Errorf("the socket %s: %w, expected one of TCP, not of Multipath TCP",
				l.Addr(), err)
		}
	}
	return l, nil
}

// localListener is a listener on a unix socket. Its connections have an address, see sockets.Local.
type localListener struct {
	*net.UnixListener
	path string
	file os.FileInfo // of the socket; nil: somebody else opened it, and will remove it
	once sync.Once
}

// Accept implements net.Listener.
func (l *localListener) Accept() (net.Conn, error) {
	conn, err := l.AcceptUnix()
	if err != nil {
		return nil, err
	}
	return sockets.Local{UnixConn: conn}, nil
}

// Close implements net.Listener. It removes the socket before it stops to listen, so that another
// process can open one.
func (l *localListener) Close() error {
	l.once.Do(func() {
		if now, err := os.Lstat(l.path); err == nil && l.file != nil && os.SameFile(now, l.file) {
			_ = os.Remove(l.path) // the next process replaces it if this fails
		}
	})
	return l.UnixListener.Close()
}
