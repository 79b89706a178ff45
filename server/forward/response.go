package forward

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	// writeTimeout bounds one write of at most copySize bytes to the client, as in engineio.
	writeTimeout = 10 * time.Second
	// tunnelSize is the buffer for one direction of an upgraded connection, which has two of them for
	// all its life.
	tunnelSize = 4 << 10
)

// response sets a deadline for every write of a response, and makes upgraded connections small.
type response struct {
	http.ResponseWriter
	rc   *http.ResponseController
	call *call
}

func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) Write(p []byte) (int, error) {
	_ = w.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	return w.ResponseWriter.Write(p)
}

// Hijack implements http.Hijacker.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := w.rc.Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.call.hijacked = true
	return &tunnel{conn}, rw, nil
}

// tunnel is the connection of an upgraded client. The proxy copies with io.Copy, which calls the
// methods below: its own buffers would have 32 KiB for each direction.
type tunnel struct{ net.Conn }

// WriteTo implements io.WriterTo.
func (t *tunnel) WriteTo(w io.Writer) (int64, error) { return pump(w, t.Conn) }

// ReadFrom implements io.ReaderFrom.
func (t *tunnel) ReadFrom(r io.Reader) (int64, error) { return pump(timed{t.Conn}, r) }

// pump copies without the methods of the connections that io.Copy would call.
func pump(w io.Writer, r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, make([]byte, tunnelSize))
}

// timed sets a deadline for every write, so that a client that reads nothing does not hold two
// connections.
type timed struct{ conn net.Conn }

func (t timed) Write(p []byte) (int, error) {
	_ = t.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	return t.conn.Write(p)
}
