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

// header reads the next frame header. An idle connection waits here. A client over its rate ends
// here, unless it has waited for the server after its last frame.
func (c *wire) header() (h header, err error) {
	if c.over && c.unread() {
		return h, errOver
	}
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
		if h.n = int(binary.BigEndian.Uint16(p)); h.n < 126 { // it must be as short as possible
			return h, errFrame
		}
	case 127:
		u := binary.BigEndian.Uint64(p)
		if u < 1<<16 || u >= 1<<63 {
			return h, errFrame
		}
		if u > 1<<31-1 { // above any limit, and more than an int may hold
			return h, errLarge
		}
		h.n = int(u)
	}
	copy(h.mask[:], p[len(p)-4:])
	c.r += size
	cost := perFrame + h.n
	if h.opcode != opContinuation {
		cost += perMessage
	}
	c.over, err = c.session.spend(cost)
	return h, err
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
// announced length, and to at most limit bytes. p[:n] has the bytes that were read before. p doubles
// while more frames may follow: without that each of them would copy what is there.
func (c *wire) body(h header, p []byte, n, limit int) ([]byte, error) {
	end := n + h.n
	if h.fin {
		limit = end
	}
	for n < end {
		if n == len(p) {
			var err error
			if p, err = c.larger(p, min(2*len(p), limit)); err != nil {
				return p, err
			}
		}
		m, err := c.part(&h, p[n:])
		if n += m; err != nil && n < end {
			return p, err
		}
	}
	return p, nil
}

// part reads the next bytes of a payload, as many as there are and p holds.
func (c *wire) part(h *header, p []byte) (n int, err error) {
	p = p[:min(len(p), h.n)]
	if c.r < c.w {
		n = copy(p, c.buf[c.r:c.w])
		c.r += n
	} else {
		n, err = c.Conn.Read(p)
		c.session.touch()
	}
	h.n -= n
	h.mask = unmask(p[:n], h.mask)
	return n, err
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
	n, err, scratch := 0, error(nil), p
	for fragments := 1; ; fragments++ {
		if h.n > limit-n || fragments > maxFragments {
			return nil, errLarge
		}
		if c.live && !c.session.mayHold(h.n) {
			return nil, c.discard(h, p[:n], scratch, n, limit, fragments)
		}
		if p, err = c.body(h, p, n, limit); err != nil {
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
	return c.session.stray()
}

// closeCode returns the close frame that holds data, or errFrame (RFC 6455 section 7.4).
func closeCode(data []byte) error {
	if len(data) == 0 {
		return closeFrame{closeNoStatus}
	}
	if len(data) == 1 {
		return errFrame
	}
	if !utf8.Valid(data[2:]) {
		return violation{reason: ReasonTransportError, code: closeInvalid}
	}
	switch code := int(binary.BigEndian.Uint16(data)); {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014, code >= 3000 && code <= 4999:
		return closeFrame{code}
	}
	return errFrame
}
