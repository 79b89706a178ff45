package sse

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// watcher notices that clients close their connections. One goroutine watches all of them by an
// epoll, while there are any: a goroutine for each, which waits to read, would add half to the
// memory of an idle stream. It is safe for concurrent use.
type watcher struct {
	mu      sync.Mutex
	epoll   *os.File  // nil while nothing is watched
	fd      int       // of epoll
	streams []*stream // by descriptor
	count   int
	scratch [maxIgnored]byte
}

// add watches the connection of a stream. It reports false if it cannot: then the stream needs a
// goroutine that reads.
func (w *watcher) add(s *stream) bool {
	fd := s.wire.fd
	if fd < 0 {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.epoll == nil && w.open() != nil {
		return false
	}
	event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP, Fd: int32(fd)}
	if syscall.EpollCtl(w.fd, syscall.EPOLL_CTL_ADD, fd, &event) != nil {
		w.closeIfUnused()
		return false
	}
	for len(w.streams) <= fd {
		w.streams = append(w.streams, nil)
	}
	w.streams[fd] = s
	w.count++
	return true
}

// remove ends the watch. It must come before the connection is closed, because the system uses
// descriptors again.
func (w *watcher) remove(s *stream) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forget(s)
}

func (w *watcher) forget(s *stream) {
	fd := s.wire.fd
	if fd < 0 || fd >= len(w.streams) || w.streams[fd] != s {
		return
	}
	w.streams[fd] = nil
	w.count--
	_ = syscall.EpollCtl(w.fd, syscall.EPOLL_CTL_DEL, fd, nil)
	w.closeIfUnused()
}

// open creates the epoll and starts the goroutine. The caller holds mu.
func (w *watcher) open() error {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	// The runtime then waits for the epoll as for a socket, without a thread.
	_ = syscall.SetNonblock(fd, true)
	w.fd, w.epoll = fd, os.NewFile(uintptr(fd), "epoll")
	raw, err := w.epoll.SyscallConn()
	if err == nil {
		err = w.epoll.SetDeadline(time.Time{}) // fails if the runtime cannot wait for it
	}
	if err != nil {
		w.closeIfUnused()
		return err
	}
	go w.run(raw)
	return nil
}

// closeIfUnused ends the goroutine if nothing is watched any more. The caller holds mu.
func (w *watcher) closeIfUnused() {
	if w.count == 0 && w.epoll != nil {
		_ = w.epoll.Close()
		w.epoll, w.streams = nil, nil
	}
}

// run waits for connections that can be read, until the epoll is closed.
func (w *watcher) run(epoll syscall.RawConn) {
	events := make([]syscall.EpollEvent, 128)
	for {
		var n int
		err := epoll.Read(func(fd uintptr) (done bool) {
			n, _ = syscall.EpollWait(int(fd), events, 0)
			return n > 0
		})
		if err != nil {
			return
		}
		for _, event := range events[:n] {
			if s, err := w.look(int(event.Fd)); err != nil {
				s.unreadable(err)
			}
		}
	}
}

// look reads what a connection has. If that ends it with an error, the stream is no longer watched.
func (w *watcher) look(fd int) (s *stream, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if fd < len(w.streams) {
		s = w.streams[fd]
	}
	if s == nil {
		return nil, nil
	}
	n, err := syscall.Read(fd, w.scratch[:])
	switch {
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
		return s, nil // if there is something, the epoll reports it again
	case err == nil && n == 0:
		err = io.EOF
	case err == nil:
		if s.wire.ignored += n; s.wire.ignored > maxIgnored {
			err = errTooMuch
		}
	}
	if err != nil {
		w.forget(s)
	}
	return s, err
}
