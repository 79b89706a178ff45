package engineio

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// read is the goroutine that reads from a WebSocket. It ends when there is nothing to read, and the
// watcher starts the next one, so that an idle WebSocket needs neither a stack nor a buffer. It
// ends the session when the connection ends, and closes the connection when the session ends.
func (s *Session) read(c *wire) {
	defer s.release()
	err := s.receive(c)
	if err == errParked {
		return
	}
	e, answered := endingOf(err)
	s.end(e)
	<-c.done // bounded by the deadline of the last write
	c.hangup(!answered)
	c.free()
}

// receive reads until there is nothing to read or the connection is unusable. After the session has
// closed it continues to wait for the client's close frame.
func (s *Session) receive(c *wire) error {
	for {
		h, err := c.header()
		if err != nil {
			return err
		}
		if h.opcode >= opClose {
			err = c.control(h)
		} else {
			err = s.receiveMessage(c, h)
		}
		if err != nil {
			return err
		}
		if !c.busy() && s.park(c) {
			return errParked
		}
	}
}

// receiveMessage reads and handles the message that starts with h.
func (s *Session) receiveMessage(c *wire, h header) error {
	scratch := s.server.scratch.Get().(*[]byte)
	defer s.server.scratch.Put(scratch)
	data, err := c.message(h, *scratch, s.server.o.MaxPayload)
	if err = c.complete(err); err != nil {
		return s.unread(h, err)
	}
	return s.packet(c, h.opcode == opText, data, len(data) > len(*scratch))
}

// unread handles the error for a message that starts with h.
func (s *Session) unread(h header, err error) error {
	var large excess
	if !errors.As(err, &large) {
		return err
	}
	if h.opcode == opBinary {
		large.head = nil
	}
	s.exceeded(messageOf(large.head))
	return nil
}

// packet handles one WebSocket message. It retains data only if owned is true.
func (s *Session) packet(c *wire, text bool, data []byte, owned bool) error {
	kind := byte(packetBinary)
	switch {
	case !text:
	case !utf8.Valid(data):
		return violation{reason: ReasonParseError, code: closeInvalid}
	case len(data) == 0:
		return violation{reason: ReasonParseError, code: closeProtocol}
	case data[0] == packetBinary:
		// A client with forceBase64 also sends binary messages as text, as over polling.
		if !validBase64(data[1:]) {
			return violation{reason: ReasonParseError, code: closeProtocol}
		}
		data, owned = decodeBinary(data[1:]), true
	default:
		kind, data = data[0], data[1:]
	}
	switch kind {
	case packetBinary, packetMessage:
		if !owned {
			data = bytes.Clone(data)
		}
		s.deliver(data, kind == packetBinary)
		return nil
	case packetPong:
		if s.pong() {
			return nil
		}
		return s.stray()
	case packetNoop:
		return s.stray()
	case packetClose:
		return violation{reason: ReasonTransportClose, code: closeNormal, asked: true}
	}
	// Only the server sends OPEN and PING, and UPGRADE is sent once; anything else is not a packet.
	return violation{reason: ReasonParseError, code: closeProtocol}
}

// endingOf converts an error of the reader. answered is true when the client has sent its close
// frame.
func endingOf(err error) (e ending, answered bool) {
	var closed closeFrame
	var v violation
	switch {
	case errors.As(err, &v):
		return ending(v), false
	case errors.As(err, &closed):
		return ending{reason: ReasonTransportClose, code: closed.code}, true
	default:
		return ending{reason: ReasonTransportClose, code: closeNone}, false
	}
}
