package sse

import (
	"net/http"
	"time"

	"github.com/roomcast/roomcast/server/sockets"
)

// response is the output of a stream through net/http: over HTTP/2 and HTTP/1.0, and if the stream
// cannot take over the connection. The handler waits until the stream has ended.
type response struct {
	w  http.ResponseWriter
	rc *http.ResponseController
	// lift removes the deadline after each write: over HTTP/2 it would reset even an idle stream.
	lift bool
	done chan struct{} // closed when nothing more is written
}

func newResponse(w http.ResponseWriter, r *http.Request) *response {
	return &response{w: w, rc: http.NewResponseController(w), lift: r.ProtoMajor >= 2,
		done: make(chan struct{})}
}

func (o *response) frame(b *batch) [][]byte { return b.events() }

func (o *response) write(segs [][]byte, timeout time.Duration) error {
	if err := sockets.WriteResponse(o.w, segs, timeout); err != nil {
		return err
	}
	if err := o.rc.Flush(); err != nil {
		return err
	}
	if o.lift {
		_ = o.rc.SetWriteDeadline(time.Time{})
	}
	return nil
}
