package edge

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// BodyTimeout is how long a client may take for the whole body of a request.
// The server has no ReadTimeout, which would end every stream, so each request
// with a body gets a deadline of its own.
const BodyTimeout = 10 * time.Second

// WithBodyDeadline bounds the time in which a body must arrive, whether next
// reads it or net/http discards it before the answer: without it one byte a
// minute holds a connection for ever. Bodies on GET and HEAD are refused, they
// mean nothing and would keep the deadline on a stream.
func WithBodyDeadline(d time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.ContentLength == 0 { // -1 is chunked; over HTTP/2 Body is never http.NoBody
			next.ServeHTTP(w, r)
			return
		}
		rc := http.NewResponseController(w)
		// A writer that knows no deadlines (a test recorder) has no slow client.
		_ = rc.SetReadDeadline(time.Now().Add(d))
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			WriteProblem(w, r, &Problem{Status: http.StatusBadRequest, Code: CodeValidation,
				Detail: "body: " + r.Method + " requests take none"})
			return
		}
		body := &DeadlineBody{ReadCloser: r.Body, Controller: rc}
		r.Body = body
		next.ServeHTTP(w, r)
		if r.Close && !body.Complete {
			lingerBeforeClose(w)
		}
	})
}

// DeadlineBody lifts the deadline once the body is complete: from then on
// net/http reads the connection only to see that the client has gone, and an
// expired deadline would look just like that.
type DeadlineBody struct {
	io.ReadCloser
	Controller *http.ResponseController
	Complete   bool
}

func (b *DeadlineBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.Complete = true
		_ = b.Controller.SetReadDeadline(time.Time{})
	}
	return n, err
}

// lingerBeforeClose lets a client that is still sending read the answer: closing
// a connection with unread input resets it, and the reset overtakes the answer
// (RFC 9112, section 9.6). net/http lingers by itself, except for requests that
// said Connection: close, as those of most proxies do; that a MaxBytesReader was
// overrun is the one way to ask for it.
func lingerBeforeClose(w http.ResponseWriter) {
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(Innermost(w), io.NopCloser(strings.NewReader("xx")), 1))
}

// Innermost is net/http's own writer: MaxBytesReader does not unwrap.
func Innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}
