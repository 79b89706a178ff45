package sockets

import (
	"os"
	"runtime/metrics"
	"sync"
	"syscall"
	"time"
)

const (
	readyAtOnce = 128 // sockets that the Watcher reports before it waits for processors
	// The Watcher waits until at most fewWait goroutines wait for a processor, but not longer than
	// longestWait: on a machine that has too much to do all the time, it must go on.
	fewWait     = 32
	longestWait = 50 * time.Millisecond
)

// Watcher notices when sockets can be read. One goroutine watches all of them with an epoll, while
// there are any. A goroutine for each connection that waits to read would be half of the memory of
// an idle connection.
//
// A T is a connection; the zero T is none. A Watcher is safe for concurrent use.
type Watcher[T comparable] struct {
	ready func(T)

	mu    sync.Mutex
	epoll *os.File // nil while nothing is watched
	fd    int      // of epoll
	conns []T      // by descriptor
	count int      // of conns that are not zero
}

// NewWatcher returns a Watcher that calls ready when a socket can be read. ready must not wait,
// because it delays other connections. The Watcher may call it without a reason when the system has
// reused a descriptor.
func NewWatcher[T comparable](ready func(T)) *Watcher[T] { return &Watcher[T]{ready: ready} }

// Watch makes the Watcher call ready once, when the socket has something to read or has ended. It
// returns false if it cannot watch the socket: then the connection needs a goroutine that reads.
// The caller must call Forget before it closes the socket.
func (w *Watcher[T]) Watch(fd int, conn T) bool {
	if fd < 0 {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.epoll == nil && w.open() != nil {
		return false
	}
	if w.has(fd, conn) {
		return w.control(syscall.EPOLL_CTL_MOD, fd) == nil
	}
	if w.control(syscall.EPOLL_CTL_ADD, fd) != nil {
		w.closeIfUnused()
		return false
	}
	for len(w.conns) <= fd {
		var none T
		w.conns = append(w.conns, none)
	}
	w.conns[fd] = conn
	w.count++
	return true
}

func (w *Watcher[T]) has(fd int, conn T) bool {
	return fd >= 0 && fd < len(w.conns) && w.conns[fd] == conn
}

// Forget ends the watch. The caller must call it before it closes the socket, because the system
// reuses descriptors.
func (w *Watcher[T]) Forget(fd int, conn T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.has(fd, conn) {
		return
	}
	var none T
	w.conns[fd] = none
	w.count--
	_ = syscall.EpollCtl(w.fd, syscall.EPOLL_CTL_DEL, fd, nil)
	w.closeIfUnused()
}

// Look calls f unless the connection is forgotten, and watches it again if f returns true. Forget
// waits for Look.
func (w *Watcher[T]) Look(fd int, conn T, f func() (again bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.has(fd, conn) && f() {
		_ = w.control(syscall.EPOLL_CTL_MOD, fd)
	}
}

// control makes the epoll report the next event of a socket.
func (w *Watcher[T]) control(op, fd int) error {
	return syscall.EpollCtl(w.fd, op, fd, &syscall.EpollEvent{
		Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | syscall.EPOLLONESHOT, Fd: int32(fd),
	})
}

// open creates the epoll and starts the goroutine. The caller holds mu.
func (w *Watcher[T]) open() error {
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

// closeIfUnused ends the goroutine if no connection is watched. The caller holds mu.
func (w *Watcher[T]) closeIfUnused() {
	if w.count == 0 && w.epoll != nil {
		_ = w.epoll.Close()
		w.epoll, w.conns = nil, nil
	}
}

// run waits for sockets that can be read, until the epoll is closed. When very many can be read, as
// after a network has failed that all clients used, it waits after each part of them until the
// goroutines that ready has started have run: thousands of them would run before the request of
// another client.
func (w *Watcher[T]) run(epoll syscall.RawConn) {
	events := make([]syscall.EpollEvent, readyAtOnce)
	for {
		var n int
		err := epoll.Read(func(fd uintptr) (done bool) {
			n, _ = syscall.EpollWait(int(fd), events, 0)
			return n > 0
		})
		if err != nil {
			return
		}
		var none T
		for _, event := range events[:n] {
			if conn := w.find(int(event.Fd)); conn != none {
				w.ready(conn)
			}
		}
		if n == len(events) {
			waitForProcessors()
		}
	}
}

// waitForProcessors returns when few goroutines wait for a processor.
func waitForProcessors() {
	waiting := []metrics.Sample{{Name: "/sched/goroutines/runnable:goroutines"}}
	for start := time.Now(); time.Since(start) < longestWait; time.Sleep(time.Millisecond) {
		if metrics.Read(waiting); waiting[0].Value.Uint64() <= fewWait {
			return
		}
	}
}

func (w *Watcher[T]) find(fd int) (conn T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if fd < len(w.conns) {
		conn = w.conns[fd]
	}
	return conn
}
