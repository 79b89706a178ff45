package engineio

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/roomcast/roomcast/server/sockets"
)

// wire is the connection of one WebSocket. The library does the opening handshake only: its
// connection, with the stack of its reader, would be most of the memory of an idle session.
type wire struct {
	Conn    net.Conn
	session *Session
	format  format // of the batches
	fd      int    // of the socket, for writes that do not wait; -1: none
	peek    int    // of the socket below TLS, to see unread bytes; -1: none

	// For the reading goroutine only.
	live     bool           // belongs to the session; a candidate of an upgrade does not yet
	over     bool           // the client has been over its rate for overLimit
	messages int            // in the second
	second   int64          //
	r, w     int            // buf[r:w] is not consumed yet
	input    *sockets.Input // the memory of a message that is not complete; nil: none
	buf      *[readBuffer]byte

	// Guarded by session.mu.
	parked   bool          // nothing reads; the watcher calls resume
	shared   bool          // a shared writer may use fd: Conn must not be closed
	code     int           // close code
	finished bool          // after the last write
	done     chan struct{} // created by stop; closed when finished
}

// hijack completes the WebSocket handshake for a session, or answers with an error. The query of
// this request says whether the client wants binary messages as text, as on a Node server.
func (s *Server) hijack(w http.ResponseWriter, r *http.Request, session *Session) (*wire, error) {
	header, err := subprotocolHeader(r.Header)
	if err != nil {
		s.refuse(w, r, errRequest)
		return nil, err
	}
	h := &hijacker{ResponseWriter: w}
	if _, err := s.upgrader.Upgrade(h, r, header); err != nil {
		return nil, err
	}
	c := newWire(h.conn, session)
	if r.URL.Query().Get("b64") != "" {
		c.format = formatText
	}
	return c, nil
}

func newWire(conn net.Conn, session *Session) *wire {
	return &wire{
		Conn: conn, session: session,
		fd: sockets.Descriptor(conn), peek: sockets.Descriptor(sockets.Plain(conn)),
	}
}

// unread reports whether bytes of the client wait to be read. Only the reading goroutine may call
// it. It does not see the bytes that TLS has read and not passed on.
func (c *wire) unread() bool { return c.r < c.w || sockets.Pending(c.peek) }

// hijacker finds the connection behind middlewares that can be unwrapped, and keeps it.
type hijacker struct {
	http.ResponseWriter
	conn net.Conn
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.conn = conn
	return conn, rw, err
}

// ping answers a ping frame. The goroutine of a candidate is its only writer; a session's pong goes
// through its queue.
func (c *wire) ping(data []byte) error {
	if c.live {
		// A closed session does not answer.
		_ = c.session.enqueue(packet{kind: opPong, data: append([]byte(nil), data...)})
		return nil
	}
	return c.writeFrame(opPong, data)
}

// writeFrame writes one frame at once. The caller is the only writer.
func (c *wire) writeFrame(opcode byte, data []byte) error {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(closeTimeout)); err != nil {
		return err
	}
	frame := appendHeader(make([]byte, 0, maxHeader+len(data)), opcode, len(data))
	_, err := c.Conn.Write(append(frame, data...))
	return err
}

// stop ends the wire with a close code; the session's writer does the rest. The caller holds
// session.mu.
func (c *wire) stop(code int) {
	c.code, c.done = code, make(chan struct{})
	c.session.server.watcher.Forget(c.fd, c.session)
	c.resume()
	if c.shared {
		return // the shared writer does not wait, and notices the end after its write
	}
	if code == closeNone {
		c.abort()
		return
	}
	// A running write must not delay the end.
	_ = c.Conn.SetWriteDeadline(time.Now().Add(closeTimeout))
}

// sendClose writes the close frame and ends the server's side of the connection. The reader then
// waits up to a second for the client's side: closing a connection with unread bytes would reset
// it, and the client would lose data.
func (c *wire) sendClose(code int) {
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

// hangup closes the connection after sendClose.
func (c *wire) hangup(drain bool) {
	if drain {
		_, _ = io.CopyN(io.Discard, c.Conn, 1<<20)
	}
	_ = c.Conn.Close()
}

// reject closes a wire that belongs to no session.
func (c *wire) reject(code int) {
	c.sendClose(code)
	c.hangup(true)
}

// abort resets the connection.
func (c *wire) abort() { sockets.Reset(c.Conn) }
