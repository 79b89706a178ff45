package engineio

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

var (
	errFraming = errors.New("engineio: message in too many fragments")
	errFlood   = errors.New("engineio: too many control frames")
)

// wire is the connection of one WebSocket. It stands between the library, which reads from it, and the network:
// it counts what is read, and keeps the library from writing, which is the session's alone once the handshake is
// over.
type wire struct {
	net.Conn
	ws      *websocket.Conn
	session *Session

	// Of the goroutine that reads.
	upgraded bool      // the handshake is over
	live     bool      // carries the session; a candidate of an upgrade does not yet
	unpaid   int       // bytes read that were no payload
	window   time.Time // the second in which controls are counted
	controls int
	refused  int // the close code the library would have sent

	// Guarded by session.mu.
	code     int           // to close with
	finished bool          // nothing is written any more
	done     chan struct{} // made by stop; closed when finished
}

// hijack completes the WebSocket handshake, or answers with an error.
func (s *Server) hijack(w http.ResponseWriter, r *http.Request) (*wire, error) {
	h := &hijacker{ResponseWriter: w}
	ws, err := s.upgrader.Upgrade(h, r, nil)
	if err != nil {
		return nil, err
	}
	c := h.wire
	c.ws, c.upgraded = ws, true
	ws.SetReadLimit(int64(s.o.MaxPayload))
	ws.SetPingHandler(c.ping)
	ws.SetPongHandler(c.control)
	return c, nil
}

// hijacker hands the library our wire. It finds the connection through middlewares that can be unwrapped.
type hijacker struct {
	http.ResponseWriter
	wire *wire
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.wire = &wire{Conn: conn}
	return h.wire, rw, nil
}

// join gives the wire its session.
func (c *wire) join(s *Session) {
	c.session = s
	c.live = s.conn == c
}

// Read counts frame headers: the library joins fragments without telling, and a message of a million empty ones
// is within its limit of payload bytes.
func (c *wire) Read(p []byte) (int, error) {
	if c.unpaid > maxFraming {
		return 0, errFraming
	}
	n, err := c.Conn.Read(p)
	c.unpaid += n
	if c.session != nil {
		c.session.touch()
	}
	return n, err
}

// Write lets the handshake through. Later the library writes close frames only, upon errors; those are noted, and
// written by the session behind what is under way.
func (c *wire) Write(p []byte) (int, error) {
	if !c.upgraded {
		return c.Conn.Write(p)
	}
	c.refused = closeProtocol
	if len(p) >= 4 && p[0]&0xf == opClose {
		c.refused = int(p[2])<<8 | int(p[3])
	}
	return len(p), nil
}

// SetWriteDeadline keeps the library from shortening the deadline of a write of ours.
func (c *wire) SetWriteDeadline(t time.Time) error {
	if !c.upgraded {
		return c.Conn.SetWriteDeadline(t)
	}
	return nil
}

// ping answers a ping frame. A candidate's own goroutine is its only writer; otherwise the pong goes through the
// session's queue.
func (c *wire) ping(data string) error {
	if err := c.control(data); err != nil {
		return err
	}
	if c.live {
		_ = c.session.enqueue(packet{kind: opPong, data: []byte(data)}) // a closed session answers no pings
		return nil
	}
	return c.writeFrame(opPong, []byte(data))
}

// control counts a control frame.
func (c *wire) control(data string) error {
	c.unpaid -= len(data) + 6 // its header and mask
	return c.stray()
}

// stray bounds what a client may send that is no message and no answer.
func (c *wire) stray() error {
	if now := time.Now(); now.Sub(c.window) >= time.Second {
		c.window, c.controls = now, 0
	}
	if c.controls++; c.controls > maxControls {
		return errFlood
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
