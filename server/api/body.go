package api

import (
	"bufio"
	"bytes"
	"cmp"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/roomcast/roomcast/server/edge"
)

const (
	// smallBody is what any request may hold in memory; of larger ones only
	// maxLargeBodies are read at a time, into buffers that are used again, so
	// that parallel uploads cost a bounded amount however many connections they
	// use.
	smallBody      = 16 << 10
	maxLargeBodies = 8
	largeBodyWait  = 2 * time.Second

	// maxLeadingSpace is how far into a body the first character is looked for
	// that tells a batch from a single notification.
	maxLeadingSpace = 512
)

var errTooManyLarge = &edge.Problem{Status: http.StatusServiceUnavailable, Code: edge.CodeUnavailable, RetryAfter: time.Second,
	Detail: "too many large bodies at the moment; nothing was sent, try again"}

// checkMediaType wants plain JSON: nothing is guessed and nothing is unpacked,
// since a few kilobytes of gzip can become gigabytes.
func checkMediaType(r *http.Request) error {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return &edge.Problem{Status: http.StatusUnsupportedMediaType, Code: edge.CodeUnsupportedMediaType,
			Detail: "Content-Encoding: got " + quoteShort(encoding) + ", expected none"}
	}
	came := r.Header.Get("Content-Type")
	media, params, err := mime.ParseMediaType(came)
	charset := params["charset"]
	if err != nil || media != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return &edge.Problem{Status: http.StatusUnsupportedMediaType, Code: edge.CodeUnsupportedMediaType,
			Detail: "Content-Type: got " + quoteShort(came) + ", expected application/json"}
	}
	return nil
}

// readBody reads the whole body within its limit, which is a higher one for an
// array where a batch is allowed. release is to be called when nothing refers to
// the body any more, also after an error.
func (h *handler) readBody(w http.ResponseWriter, r *http.Request, batch bool) (body []byte, release func(), err error) {
	release = func() {}
	limit := int64(maxSingleBody)
	if batch {
		limit = maxBatchBody
	}
	if r.ContentLength > limit {
		return nil, release, &http.MaxBytesError{Limit: limit}
	}
	buffered := bufio.NewReaderSize(r.Body, maxLeadingSpace)
	if !startsArray(buffered) {
		limit = maxSingleBody
	}
	if r.ContentLength > limit {
		return nil, release, &http.MaxBytesError{Limit: limit}
	}
	if r.ContentLength > limit {
		return nil, release, &http.MaxBytesError{Limit: limit}
	}
	// MaxBytesReader also makes net/http close the connection after a refusal
	// instead of reading what is left.
	in := http.MaxBytesReader(edge.Innermost(w), readCloser{buffered, r.Body}, limit)

	var small bytes.Buffer
	small.Grow(int(cmp.Or(min(max(r.ContentLength, 0), smallBody), 1<<10)) + bytes.MinRead)
	if _, err := io.CopyN(&small, in, smallBody); err == io.EOF {
		return small.Bytes(), release, nil
	} else if err != nil {
		return nil, release, bodyError(err)
	}
	timer := time.NewTimer(largeBodyWait)
	defer timer.Stop()
	var large *bytes.Buffer
	select {
	case large = <-h.large:
	case <-timer.C:
		return nil, release, errTooManyLarge
	case <-r.Context().Done():
		return nil, release, r.Context().Err()
	}
	release = func() { h.putLarge(large) }
	large.Grow(int(max(r.ContentLength, maxSingleBody)) + bytes.MinRead)
	large.Write(small.Bytes())
	if _, err := large.ReadFrom(in); err != nil {
		return nil, release, bodyError(err)
	}
	return large.Bytes(), release, nil
}

func newLargeBodies() chan *bytes.Buffer {
	buffers := make(chan *bytes.Buffer, maxLargeBodies)
	for range maxLargeBodies {
		buffers <- new(bytes.Buffer)
	}
	return buffers
}

// putLarge makes room for the next body. The buffer of a large batch is not
// kept: it may be that the next one comes in a day.
func (h *handler) putLarge(b *bytes.Buffer) {
	b.Reset()
	if b.Cap() > 2*maxSingleBody {
		b = new(bytes.Buffer)
	}
	h.large <- b
}

// bodyError keeps the errors that errorProblem knows; any other while reading is
// broken framing, so the client's.
func bodyError(err error) error {
	if edge.ProblemOf(err) == edge.ErrInternal {
		return &edge.Problem{Status: http.StatusBadRequest, Code: edge.CodeValidation, Detail: "body: broken transfer encoding"}
	}
	return err
}

// startsArray looks at the first character that is not space, as far as one
// stands near the start.
func startsArray(b *bufio.Reader) bool {
	for n := 1; n <= maxLeadingSpace; n++ {
		head, err := b.Peek(n)
		if err != nil {
			return false // the read that follows meets the same error
		}
		if c := head[n-1]; !isJSONSpace(c) {
			return c == '['
		}
	}
	return false
}

type readCloser struct {
	io.Reader
	io.Closer
}
