package limit

import (
	"crypto/tls"
	"errors"
	"sync/atomic"

	"golang.org/x/time/rate"
)

const (
	// frameBurst and frameRate bound the frames of an HTTP/2 connection that ask for nothing. A
	// browser sends about ten at the start and one reset for each stream that a page closes, a proxy
	// up to 100 resets at once.
	frameBurst = 2000
	frameRate  = 200 // a second

	// bytesPerUpdate is how many bytes written to the client allow it one WINDOW_UPDATE, and
	// maxUpdates how many it may save. A client sends two for a DATA frame at most, whose shortest
	// event has about 60 bytes.
	bytesPerUpdate = 16
	maxUpdates     = 10_000

	// smallData is the size below which a DATA frame costs more than its bytes. A request may have two
	// of them, or as many as others before it have left: a short body, and the end.
	smallData    = 1024
	smallParts   = 2
	maxSmallData = 2000
)

// ErrFrames ends an HTTP/2 connection whose client sends too many frames that ask for nothing.
var ErrFrames = errors.New("limit: too many HTTP/2 frames that ask for nothing")

// The types and flags of frames that the bound knows, RFC 9113 section 6. HEADERS, with which each
// request begins, are bounded like the requests of HTTP/1.1.
const (
	frameData         = 0x0
	frameHeaders      = 0x1
	frameWindowUpdate = 0x8
	flagPadded        = 0x8

	frameHead = 9
	preface   = 24 // bytes before the first frame
)

// HTTP2Conn is a connection of HTTP/2 with a bound for PING, SETTINGS, RST_STREAM, CONTINUATION,
// small DATA and all other frames that cost the server work and ask for nothing. net/http bounds
// those that wait for an answer, but not how many it answers: one connection takes half a core.
type HTTP2Conn struct {
	*tls.Conn
	allowed *rate.Limiter
	unread  atomic.Int64 // bytes written for which the client has sent no WINDOW_UPDATE

	// Read only uses these.
	head  [frameHead]byte
	have  int // bytes of head
	skip  int // bytes until the next head
	small int // small DATA frames that requests may still send
}

// NewHTTP2Conn returns a connection on which the client has still to send the connection preface.
func NewHTTP2Conn(c *tls.Conn) *HTTP2Conn {
	return &HTTP2Conn{Conn: c, skip: preface, allowed: rate.NewLimiter(frameRate, frameBurst)}
}

// Read is that of the connection. Above the bound it returns ErrFrames.
func (c *HTTP2Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if !c.allows(p[:n]) {
		return 0, ErrFrames
	}
	return n, err
}

// Write is that of the connection.
func (c *HTTP2Conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.wrote(n)
	return n, err
}

func (c *HTTP2Conn) wrote(n int) {
	if c.unread.Add(int64(n)) > maxUpdates*bytesPerUpdate {
		c.unread.Store(maxUpdates * bytesPerUpdate)
	}
}

// allows counts the frames whose head ends in p, and reports whether the client may send them.
func (c *HTTP2Conn) allows(p []byte) bool {
	for len(p) > 0 {
		if n := min(c.skip, len(p)); n > 0 {
			c.skip -= n
			p = p[n:]
			continue
		}
		n := copy(c.head[c.have:], p)
		c.have += n
		p = p[n:]
		if c.have < frameHead {
			return true
		}
		c.have = 0
		c.skip = int(c.head[0])<<16 | int(c.head[1])<<8 | int(c.head[2])
		if !c.asks() && !c.allowed.Allow() {
			return false
		}
	}
	return true
}

// asks reports whether the frame that begins with head is a part of a request, or a WINDOW_UPDATE
// for what the client has received.
func (c *HTTP2Conn) asks() bool {
	switch kind, flags := c.head[3], c.head[4]; kind {
	case frameHeaders:
		c.small = min(c.small+smallParts, maxSmallData)
		return true
	case frameData:
		if c.skip >= smallData && flags&flagPadded == 0 {
			return true
		}
		if c.small == 0 {
			return false
		}
		c.small--
		return true
	case frameWindowUpdate:
		if c.unread.Load() < bytesPerUpdate {
			return false
		}
		c.unread.Add(-bytesPerUpdate) // Write only adds to it meanwhile, or sets the maximum
		return true
	}
	return false
}
