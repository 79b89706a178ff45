package edge

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// BodyTimeout is the maximum time for the whole body of a request. The server has no ReadTimeout,
// which would end every stream, so each request with a body gets a deadline of its own.
const BodyTimeout = 10 * time.Second

// WithBodyDeadline bounds the time in which a body must arrive, whether next reads it or net/http
// discards it before the response. Without it, one byte a minute would hold a connection for ever.
// It refuses bodies on GET and HEAD, which have no meaning and would keep the deadline on a stream.
// Only bytes make a body: proxies and HTTP clients send empty ones, chunked or as an empty DATA
// frame of HTTP/2.
//
// If next leaves a part of the body unread, because it is too large for example, WithBodyDeadline
// discards it before the response goes out, see discards. Inside another WithBodyDeadline it does
// nothing.
func WithBodyDeadline(d time.Duration, next http.Handler) http.Handler {
	rest := newDiscards()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, nested := r.Body.(*DeadlineBody)
		// -1 is the length of a chunked body. Over HTTP/2, Body is never http.NoBody.
		if r.Body == nil || nested || r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		rc := http.NewResponseController(w)
		// It fails for a writer without deadlines (a test recorder).
		_ = rc.SetReadDeadline(time.Now().Add(d))
		body := &DeadlineBody{ReadCloser: r.Body, Controller: rc}
		// A copy, because net/http decides by the type of its own Body what to do with the rest.
		r = r.WithContext(r.Context())
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			r.Body = body
			next.ServeHTTP(w, r)
		case r.ContentLength < 0 && isEmpty(body):
			r.Body, r.ContentLength, r.TransferEncoding = http.NoBody, 0, nil
			next.ServeHTTP(w, r)
			return
		default:
			WriteProblem(w, r, &Problem{Status: http.StatusBadRequest, Code: CodeValidation,
				Detail: "body: " + r.Method + " requests have none"})
		}
		rest.discard(body, r)
		if r.Close && !body.Complete {
			lingerBeforeClose(w)
		}
	})
}

// isEmpty reports whether a body ends without a byte.
func isEmpty(body io.Reader) bool {
	n, err := io.ReadFull(body, make([]byte, 1))
	return n == 0 && err == io.EOF
}

// DeadlineBody removes the deadline when the body is complete. After that net/http reads from the
// connection only to notice that the client disconnects, and an expired deadline would look the
// same.
type DeadlineBody struct {
	io.ReadCloser
	Controller *http.ResponseController
	Complete   bool

	read   int64
	failed bool // a read
}

func (b *DeadlineBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	switch {
	case err == io.EOF:
		b.Complete = true
		_ = b.Controller.SetReadDeadline(time.Time{})
	case err != nil:
		b.failed = true
	}
	return n, err
}

// lingerBeforeClose lets a client that is still sending read the response. Closing a connection
// with unread input resets it, and the client may lose the response (RFC 9112, section 9.6).
// net/http lingers by itself, except for requests with Connection: close, which most proxies send.
// Exceeding a MaxBytesReader is the only way to request it then.
func lingerBeforeClose(w http.ResponseWriter) {
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(Innermost(w), io.NopCloser(strings.NewReader("xx")), 1))
}

// Innermost returns net/http's own writer, because MaxBytesReader does not unwrap.
func Innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}
