package sse

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/roomcast/roomcast/server/sockets"
)

const (
	maxIgnored = 4 << 10 // bytes that a client may send after its request
	endTimeout = time.Second
)

var errTooMuch = errors.New("client sent data")

// wire is the output of a stream that has taken over its connection from net/http. The buffers of
// net/http, and its frames on the stack below the handler, are nine tenths of the memory of an idle
// stream.
type wire struct {
	conn    net.Conn
	fd      int // of the socket, for writes that do not wait; -1: none
	ignored int // bytes received after the request
}

// canTakeOver reports whether the stream can take over the connection of a request: it needs
// HTTP/1.1 and a ResponseWriter that can be hijacked. net/http must read the body of a request that
// has one.
func canTakeOver(w http.ResponseWriter, r *http.Request) bool {
	if r.ProtoMajor != 1 || r.ProtoMinor < 1 || r.ContentLength != 0 {
		return false
	}
	_, ok := unwrapped[http.Hijacker](w)
	return ok
}

// unwrapped returns the first T among w and the writers that it wraps.
func unwrapped[T any](w http.ResponseWriter) (found T, ok bool) {
	for w != nil {
		if found, ok = w.(T); ok {
			break
		}
		wrapper, _ := w.(interface{ Unwrap() http.ResponseWriter })
		if wrapper == nil {
			break
		}
		w = wrapper.Unwrap()
	}
	return found, ok
}

// isEncoded reports whether a middleware encodes the response, for example compresses it: then its
// bytes are not those of the stream.
func isEncoded(h http.Header) bool {
	return h.Get("Content-Encoding") != "" || h.Get("Content-Length") != "" ||
		h.Get("Transfer-Encoding") != ""
}

func newWire(conn net.Conn, buffered *bufio.Reader) wire {
	return wire{conn: conn, fd: sockets.Descriptor(conn), ignored: buffered.Buffered()}
}

func (c *wire) frame(b *batch) [][]byte { return b.chunk() }

func (c *wire) write(segs [][]byte, timeout time.Duration) (err error) {
	for len(segs) > 0 {
		if err := c.conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
			return err
		}
		if segs, err = sockets.WriteSome(c.conn, segs); err != nil {
			return err
		}
	}
	return nil
}

// discard reads and drops bytes until the connection ends or has sent too many.
func (c *wire) discard() error {
	buf := make([]byte, 16)
	for c.ignored <= maxIgnored {
		n, err := c.conn.Read(buf)
		if err != nil {
			return err
		}
		c.ignored += n
	}
	return errTooMuch
}

// drop is discard for the bytes that have already arrived.
func (c *wire) drop() error {
	n, err := sockets.Read(c.fd, make([]byte, 512))
	if c.ignored += n; err == nil && c.ignored > maxIgnored {
		err = errTooMuch
	}
	return err
}

// cut closes the sending side at once, so that a waiting write fails. Any goroutine may call it.
func (c *wire) cut() {
	if half, ok := sockets.Plain(c.conn).(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		return
	}
	_ = c.conn.Close()
}

// writeEnd writes the last chunk and closes the sending side.
func (c *wire) writeEnd() error {
	_ = c.conn.SetWriteDeadline(time.Now().Add(endTimeout))
	if _, err := io.WriteString(c.conn, lastChunk); err != nil {
		return err
	}
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	return nil
}

// linger waits for the client to close, for at most a second, and closes the connection. A close
// while there are unread bytes would reset the connection, and the client could lose the end of the
// response (RFC 9112, section 9.6).
func (c *wire) linger() {
	_ = c.conn.SetReadDeadline(time.Now().Add(endTimeout))
	_, _ = io.CopyN(io.Discard, c.conn, maxIgnored)
	_ = c.conn.Close()
}

// abort resets the connection.
func (c *wire) abort() { sockets.Reset(c.conn) }
