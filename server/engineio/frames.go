package engineio

import (
	"encoding/binary"
	"unicode/utf8"
)

// violation is an error for input that the protocol forbids, with the ending of the session.
type violation ending

func (violation) Error() string { return "engineio: protocol violation" }

// closeFrame is the error that the reader returns for the client's close frame.
type closeFrame struct{ code int }

func (closeFrame) Error() string { return "engineio: closed by the client" }

var (
	errFrame = violation{reason: ReasonTransportError, code: closeProtocol}
	errLarge = violation{reason: ReasonTransportError, code: closeTooBig}
)

// header is the header of a client's frame (RFC 6455 section 5.2).
type header struct {
	opcode byte
	fin    bool
	n      int
	mask   [4]byte
}

// header reads the next frame header. An idle connection waits here.
func (c *wire) header() (h header, err error) {
	if err = c.fill(2); err != nil {
		return h, err
	}
	b0, b1 := c.buf[c.r], c.buf[c.r+1]
	h.opcode, h.fin, h.n = b0&0xf, b0&0x80 != 0, int(b1&0x7f)
	switch {
	case b0&0x70 != 0, b1&0x80 == 0: // an extension that was not negotiated; not masked
		return h, errFrame
	case h.opcode >= opClose && (h.opcode > opPong || !h.fin || h.n > 125):
		return h, errFrame
	case h.opcode > opBinary && h.opcode < opClose:
		return h, errFrame
	}
	size := 6
	switch h.n {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if err = c.fill(size); err != nil {
		return h, err
	}
	p := c.buf[c.r+2 : c.r+size]
	switch h.n {
	case 126:
		h.n = int(binary.BigEndian.Uint16(p))
	case 127:
		u := binary.BigEndian.Uint64(p)
		if u > 1<<31-1 { // above any limit, and more than an int may hold
			return h, errLarge
		}
		h.n = int(u)
	}
	copy(h.mask[:], p[len(p)-4:])
	c.r += size
	return h, nil
}

// fill reads until the buffer has n bytes. It gets a buffer if there is none.
func (c *wire) fill(n int) error {
	if c.buf == nil {
		c.buf = c.session.server.buffers.Get().(*[readBuffer]byte)
	}
	if c.r == c.w {
		c.r, c.w = 0, 0
	} else if c.r+n > len(c.buf) {
		c.w = copy(c.buf[:], c.buf[c.r:c.w])
		c.r = 0
	}
	for c.w-c.r < n {
		m, err := c.Conn.Read(c.buf[c.w:])
		c.w += m
		c.session.touch()
		if err != nil && c.w-c.r < n {
			return err
		}
	}
	return nil
}

// free returns the buffer to the pool, with the bytes in it.
func (c *wire) free() {
	if c.buf != nil {
		c.session.server.buffers.Put(c.buf)
		c.buf, c.r, c.w = nil, 0, 0
	}
}

// body reads the payload after a header into p, which grows with the bytes received, not with the
// announced length. p[:n] has the bytes that were read before.
func (c *wire) body(h header, p []byte, n int) ([]byte, error) {
	for end := n + h.n; n < end; {
		if n == len(p) {
			larger := make([]byte, min(2*len(p), end))
			copy(larger, p)
			p = larger
		}
		from := n
		limit := min(end, len(p))
		if c.r < c.w {
			m := copy(p[n:limit], c.buf[c.r:c.w])
			c.r += m
			n += m
		} else {
			m, err := c.Conn.Read(p[n:limit])
			n += m
			c.session.touch()
			if err != nil && n < end {
				return p, err
			}
		}
		h.mask = unmask(p[from:n], h.mask)
	}
	return p, nil
}

// unmask applies a masking key and returns the key rotated for the bytes that follow.
func unmask(p []byte, key [4]byte) [4]byte {
	k := binary.LittleEndian.Uint32(key[:])
	k8 := uint64(k)<<32 | uint64(k)
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^k8)
		p = p[8:]
	}
	for i := range p {
		p[i] ^= key[i&3]
	}
	n := len(p) & 3
	return [4]byte{key[n&3], key[(n+1)&3], key[(n+2)&3], key[(n+3)&3]}
}

// message reads the rest of a message, whose first header is h, into p or a larger buffer and
// returns the payload. It answers control frames in between.
func (c *wire) message(h header, p []byte, limit int) ([]byte, error) {
	if h.opcode == opContinuation {
		return nil, errFrame
	}
	n, err := 0, error(nil)
	for fragments := 1; ; fragments++ {
		if h.n > limit-n || fragments > maxFragments {
			return nil, errLarge
		}
		if p, err = c.body(h, p, n); err != nil {
			return nil, err
		}
		if n += h.n; h.fin {
			return p[:n:n], nil
		}
		if h, err = c.dataHeader(); err != nil {
			return nil, err
		}
		if h.opcode != opContinuation {
			return nil, errFrame
		}
	}
}

// dataHeader reads the next header of a data frame and handles the control frames before it.
func (c *wire) dataHeader() (header, error) {
	for {
		h, err := c.header()
		if err != nil || h.opcode < opClose {
			return h, err
		}
		if err := c.control(h); err != nil {
			return h, err
		}
	}
}

// control handles a control frame (RFC 6455 section 5.5).
func (c *wire) control(h header) error {
	if err := c.fill(h.n); err != nil {
		return err
	}
	data := c.buf[c.r : c.r+h.n]
	c.r += h.n
	unmask(data, h.mask)
	switch h.opcode {
	case opClose:
		return closeCode(data)
	case opPing:
		if err := c.ping(data); err != nil {
			return err
		}
	}
	return c.stray()
}

// closeCode returns the close frame that holds data, or errFrame (RFC 6455 section 7.4).
func closeCode(data []byte) error {
	if len(data) == 0 {
		return closeFrame{closeNoStatus}
	}
	if len(data) == 1 || !utf8.Valid(data[2:]) {
		return errFrame
	}
	switch code := int(binary.BigEndian.Uint16(data)); {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014, code >= 3000 && code <= 4999:
		return closeFrame{code}
	}
	return errFrame
}
