package engineio

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// read is the one goroutine of an idle WebSocket. It ends the session when the connection ends, and closes the
// connection when the session ends.
func (s *Session) read(c *wire) {
	defer s.release()
	e, answered := s.receive(c)
	s.end(e)
	<-c.done // at most as long as the last write may take
	c.hangup(!answered)
}

// receive reads until the connection is of no use any more. It goes on after the session was closed, for the
// client's close frame, which it reports as answered.
func (s *Session) receive(c *wire) (e ending, answered bool) {
	for {
		kind, r, err := c.ws.NextReader()
		if err != nil {
			return c.ending(err)
		}
		scratch := s.server.scratch.Get().(*[]byte)
		data, err := c.readAll(r, *scratch, s.server.o.MaxPayload)
		if err == nil {
			err = s.packet(c, kind == websocket.TextMessage, data, len(data) > len(*scratch))
		}
		s.server.scratch.Put(scratch)
		if err != nil {
			return c.ending(err)
		}
	}
}

// readAll reads one message into p, or into a larger buffer if it does not fit.
func (c *wire) readAll(r io.Reader, p []byte, limit int) ([]byte, error) {
	for n := 0; ; {
		if n == len(p) {
			larger := make([]byte, min(2*len(p), max(limit, n)+1))
			copy(larger, p)
			p = larger
		}
		m, err := r.Read(p[n:])
		n += m
		c.unpaid -= m
		if err == io.EOF {
			c.unpaid = 0
			return p[:n], nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// violation is a packet the client may not send; it says how the session ends.
type violation ending

func (violation) Error() string { return "engineio: packet not allowed" }

// packet handles one WebSocket message. It keeps data only if it is owned.
func (s *Session) packet(c *wire, text bool, data []byte, owned bool) error {
	if text && !utf8.Valid(data) {
		return violation{reason: ReasonParseError, code: closeInvalid}
	}
	kind := byte(packetBinary)
	if text {
		if len(data) == 0 {
			return violation{reason: ReasonParseError, code: closeProtocol}
		}
		kind, data = data[0], data[1:]
	}
	switch kind {
	case packetBinary, packetMessage:
		if text && kind == packetBinary {
			break
		}
		if !owned {
			data = bytes.Clone(data)
		}
		s.deliver(data, !text)
		return nil
	case packetPong:
		if s.pong() {
			return nil
		}
		return c.stray()
	case packetNoop:
		return c.stray()
	case packetClose:
		return violation{reason: ReasonTransportClose, code: closeNormal, asked: true}
	}
	// OPEN, PING and a second UPGRADE are the server's or come once; anything else is no packet.
	return violation{reason: ReasonParseError, code: closeProtocol}
}

// ending translates an error of the reader. answered says that the client sent its close frame.
func (c *wire) ending(err error) (e ending, answered bool) {
	var closed *websocket.CloseError
	var v violation
	switch {
	case errors.As(err, &v):
		return ending(v), false
	case errors.As(err, &closed):
		return ending{reason: ReasonTransportClose, code: closed.Code}, true
	case errors.Is(err, websocket.ErrReadLimit), errors.Is(err, errFraming):
		return ending{reason: ReasonTransportError, code: closeTooBig}, false
	case errors.Is(err, errFlood):
		return ending{reason: ReasonTransportError, code: closePolicy}, false
	case c.refused != 0:
		return ending{reason: ReasonTransportError, code: c.refused}, false
	default:
		return ending{reason: ReasonTransportClose, code: closeNone}, false
	}
}
