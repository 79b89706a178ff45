package engineio

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"
)

// wire is the connection of one WebSocket. The library does the opening handshake; frames are read and written
// here, because a connection of the library with its reader's stack would be most of what an idle session costs.
type wire struct {
	Conn    net.Conn
	session *Session

	// Of the goroutine that reads.
	live     bool      // carries the session; a candidate of an upgrade does not yet
	controls int       // in the second that began at window
	window   time.Time //
	r, w     int       // buf[r:w] is not consumed yet
	buf      [readBuffer]byte

	// Guarded by session.mu.
	code     int           // to close with
	finished bool          // nothing is written any more
	done     chan struct{} // made by stop; closed when finished
}

// hijack completes the WebSocket handshake for a session, or answers with an error.
func (s *Server) hijack(w http.ResponseWriter, r *http.Request, session *Session) (*wire, error) {
	h := &hijacker{ResponseWriter: w}
	if _, err := s.upgrader.Upgrade(h, r, nil); err != nil {
		return nil, err
	}
	return &wire{Conn: h.conn, session: session}, nil
}

// hijacker finds the connection through middlewares that can be unwrapped, and keeps it.
type hijacker struct {
	http.ResponseWriter
	conn net.Conn
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.conn = conn
	return conn, rw, err
}

// ping answers a ping frame. A candidate's own goroutine is its only writer; otherwise the pong goes through the
// session's queue.
func (c *wire) ping(data []byte) error {
	if c.live {
		_ = c.session.enqueue(packet{kind: opPong, data: append([]byte(nil), data...)}) // a closed session answers none
		return nil
	}
	return c.writeFrame(opPong, data)
}

// stray bounds what a client may send that is no message and no answer.
func (c *wire) stray() error {
	if now := time.Now(); now.Sub(c.window) >= time.Second {
		c.window, c.controls = now, 0
	}
	if c.controls++; c.controls > maxControls {
		return violation{reason: ReasonTransportError, code: closePolicy}
	}
	return nil
}

// writeFrame writes one frame at once. The caller is the only writer.
func (c *wire) writeFrame(opcode byte, data []byte) error {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(closeTimeout)); err != nil {
		return err
	}
	_, err := c.Conn.Write(append(appendHeader(make([]byte, 0, maxHeader+len(data)), opcode, len(data)), data...))
	return err
}

// stop ends the wire with a code; the session's writer does the rest. The caller holds session.mu.
func (c *wire) stop(code int) {
	c.code, c.done = code, make(chan struct{})
	if code == closeNone {
		c.abort()
		return
	}
	_ = c.Conn.SetWriteDeadline(time.Now().Add(closeTimeout)) // a write under way does not hold the end up
}

// bye writes the close frame and ends our side of the connection. The reader then waits for the other side, for
// a second at most: closing while its bytes are unread would reset the connection, and what we wrote be lost.
func (c *wire) bye(code int) {
	var payload []byte
	if code != closeNoStatus {
		payload = []byte{byte(code >> 8), byte(code)}
	}
	if code == closeNone || c.writeFrame(opClose, payload) != nil {
		c.abort()
		return
	}
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_ = c.Conn.SetReadDeadline(time.Now().Add(closeTimeout))
}

// hangup closes the connection after bye.
func (c *wire) hangup(drain bool) {
	if drain {
		_, _ = io.CopyN(io.Discard, c.Conn, 1<<20)
	}
	_ = c.Conn.Close()
}

// reject closes a wire that carries no session.
func (c *wire) reject(code int) {
	c.bye(code)
	c.hangup(true)
}

// abort resets the connection, so that the kernel does not keep what the client would not read.
func (c *wire) abort() {
	conn := c.Conn
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS would try to say goodbye
		conn = t.NetConn()
	}
	if t, ok := conn.(interface{ SetLinger(int) error }); ok {
		_ = t.SetLinger(0)
	}
	_ = conn.Close()
}
