package sockets

import (
	"net"
	"net/http"
	"slices"
	"time"
)

// WritePart is how many bytes share one write deadline, on every transport: a large message does not
// need a faster reader than a small one.
const WritePart = 16 << 10

// WriteNow writes segments as far as the socket takes them without waiting. It returns the number
// of bytes written and the rest, which shares the memory of segs. As for Write, the caller ensures
// that the socket is not closed meanwhile.
func WriteNow(fd int, segs [][]byte) (n int, rest [][]byte, err error) {
	for len(segs) > 0 {
		written, err := Write(fd, segs[0])
		n += written
		if err != nil {
			return n, segs, err
		}
		if written < len(segs[0]) {
			segs[0] = segs[0][written:]
			break
		}
		segs = segs[1:]
	}
	return n, segs, nil
}

// WriteSome writes up to WritePart bytes of segs with one call, which may wait, and returns the
// rest, which shares the memory of segs. The caller sets a deadline for each call.
func WriteSome(conn net.Conn, segs [][]byte) (rest [][]byte, err error) {
	if len(segs) == 1 && len(segs[0]) <= WritePart {
		_, err := conn.Write(segs[0])
		return nil, err
	}
	var bufs net.Buffers
	for room := WritePart; len(segs) > 0 && room > 0; {
		p := segs[0]
		if len(p) > room {
			segs[0], p = p[room:], p[:room]
		} else {
			segs = segs[1:]
		}
		bufs = append(bufs, p)
		room -= len(p)
	}
	_, err = bufs.WriteTo(conn)
	return segs, err
}

// WriteResponse writes segments as a part of a response of net/http, with a deadline for each
// WritePart bytes. It does not flush, and the last deadline stays. A writer without deadlines, such
// as a test recorder, cannot block either.
func WriteResponse(w http.ResponseWriter, segs [][]byte, timeout time.Duration) error {
	rc := http.NewResponseController(w)
	for _, p := range segs {
		for part := range slices.Chunk(p, WritePart) {
			_ = rc.SetWriteDeadline(time.Now().Add(timeout))
			if _, err := w.Write(part); err != nil {
				return err
			}
		}
	}
	return nil
}
