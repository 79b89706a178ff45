//go:build linux

package bare

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"

	"golang.org/x/sys/unix"
)

// epoll holds websocket clients as bare file descriptors: no goroutine, no buffer and no connection
// of net. One goroutine waits for all of them.
type epoll struct {
	fd   int
	wake int // an eventfd that ends the reader
	done chan struct{}

	mu      sync.Mutex // also orders the writes of publishers
	clients []int
}

func newEpoll() (*epoll, error) {
	e := &epoll{wake: -1, done: make(chan struct{})}
	var err error
	if e.fd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	e.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err == nil {
		err = e.watch(e.wake)
	}
	if err != nil {
		_ = unix.Close(e.fd)
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	go e.read()
	return e, nil
}

func (e *epoll) watch(fd int) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	return unix.EpollCtl(e.fd, unix.EPOLL_CTL_ADD, fd, &event)
}

const switching = "HTTP/1.1 101 Switching Protocols\r\n" +
	"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n"

func (e *epoll) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusHTTPVersionNotSupported)
		return
	}
	defer conn.Close()
	fd, err := descriptor(conn)
	if err != nil {
		return
	}
	// RFC 6455, section 4.2.2: the key of the client and a fixed text.
	key := r.Header.Get("Sec-WebSocket-Key")
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	e.mu.Lock()
	defer e.mu.Unlock()
	head := fmt.Appendf(nil, switching, base64.StdEncoding.EncodeToString(sum[:]))
	if !send(fd, append(head, textFrame([]byte(Welcome))...)) || e.watch(fd) != nil {
		_ = unix.Close(fd)
		return
	}
	e.clients = append(e.clients, fd)
}

// descriptor duplicates the descriptor of a connection, which stays non-blocking and leaves the
// poller of Go when conn is closed.
func descriptor(conn net.Conn) (fd int, err error) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return 0, fmt.Errorf("%T has no descriptor", conn)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, err
	}
	controlErr := raw.Control(func(original uintptr) {
		fd, err = unix.FcntlInt(original, unix.F_DUPFD_CLOEXEC, 0)
	})
	return fd, errors.Join(err, controlErr)
}

// read discards the bytes that clients send, and shuts down the connections that ended.
func (e *epoll) read() {
	defer close(e.done)
	events, buffer := make([]unix.EpollEvent, 128), make([]byte, 4<<10)
	for {
		n, err := unix.EpollWait(e.fd, events, -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			panic(fmt.Sprintf("epoll: %v", err)) // only a defect here closes its descriptor
		}
		for _, event := range events[:max(n, 0)] {
			if int(event.Fd) == e.wake {
				return
			}
			n, err := unix.Read(int(event.Fd), buffer)
			if n > 0 || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
				continue
			}
			// The descriptor stays open and so unused until the next broadcast, which closes it.
			_ = unix.EpollCtl(e.fd, unix.EPOLL_CTL_DEL, int(event.Fd), nil)
			_ = unix.Shutdown(int(event.Fd), unix.SHUT_RDWR)
		}
	}
}

func (e *epoll) broadcast(text []byte, n int) {
	frame := textFrame(text)
	e.mu.Lock()
	defer e.mu.Unlock()
	for range n {
		kept := e.clients[:0]
		for _, fd := range e.clients {
			if !send(fd, frame) {
				_ = unix.Close(fd)
				continue
			}
			kept = append(kept, fd)
		}
		e.clients = kept
	}
}

func (e *epoll) close() {
	_, _ = unix.Write(e.wake, binary.NativeEndian.AppendUint64(nil, 1))
	<-e.done
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, fd := range append(e.clients, e.fd, e.wake) {
		_ = unix.Close(fd)
	}
	e.clients = nil
}

// send writes all of data, and waits where the buffer of the socket is full, for at most
// writeDeadline each time.
func send(fd int, data []byte) bool {
	for len(data) > 0 {
		n, err := unix.Write(fd, data)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
			ready, err := unix.Poll(poll, int(writeDeadline.Milliseconds()))
			if ready == 0 || err != nil && !errors.Is(err, unix.EINTR) {
				return false
			}
		case err != nil:
			return false
		default:
			data = data[n:]
		}
	}
	return true
}

// textFrame makes an unmasked frame of less than 64 KiB (RFC 6455, section 5.2).
func textFrame(text []byte) []byte {
	if len(text) < 126 {
		return append([]byte{0x81, byte(len(text))}, text...)
	}
	return append(binary.BigEndian.AppendUint16([]byte{0x81, 126}, uint16(len(text))), text...)
}
