package sockets

import "net"

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

// WriteSome writes up to most bytes of segs with one call, which may wait, and returns the rest,
// which shares the memory of segs. Callers that set a deadline for each call do not require a
// faster reader for a large message than for a small one.
func WriteSome(conn net.Conn, segs [][]byte, most int) (rest [][]byte, err error) {
	if len(segs) == 1 && len(segs[0]) <= most {
		_, err := conn.Write(segs[0])
		return nil, err
	}
	var bufs net.Buffers
	for len(segs) > 0 && most > 0 {
		p := segs[0]
		if len(p) > most {
			segs[0], p = p[most:], p[:most]
		} else {
			segs = segs[1:]
		}
		bufs = append(bufs, p)
		most -= len(p)
	}
	_, err = bufs.WriteTo(conn)
	return segs, err
}
