package server

import (
	"net/http"
	"time"

	"github.com/roomcast/roomcast/server/edge"
)

// slowBody bounds the time of a request body by its progress: each upstreamPart bytes, and the rest,
// must arrive within the timeout. A client with one byte a second would otherwise hold two
// connections, its own and that to the application, for as long as it likes.
type slowBody struct {
	edge.DeadlineBody
	timeout time.Duration
	part    int // bytes since the deadline was set; 0: there is none yet
}

func (b *slowBody) Read(p []byte) (int, error) {
	if !b.Complete && b.part == 0 {
		_ = b.Controller.SetReadDeadline(time.Now().Add(b.timeout))
	}
	n, err := b.DeadlineBody.Read(p)
	if b.part += n; b.part >= upstreamPart {
		b.part = 0
	}
	return n, err
}

// idleWriter sets a deadline for every write of a response, which has at most 32 KiB.
type idleWriter struct {
	http.ResponseWriter
	rc      *http.ResponseController
	timeout time.Duration
}

func (w *idleWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *idleWriter) Write(p []byte) (int, error) {
	_ = w.rc.SetWriteDeadline(time.Now().Add(w.timeout))
	return w.ResponseWriter.Write(p)
}
