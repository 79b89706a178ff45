package api

import (
	"bufio"
	"bytes"
	"cmp"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/server/edge"
)

const (
	// smallBody is the number of bytes that every request may read into memory of its own.
	smallBody = 16 << 10

	// maxLeadingSpace is the number of bytes in which startsArray looks for the first character
	// of the JSON text.
	maxLeadingSpace = 512

	byteOrderMark = "\ufeff"
)

// checkMediaType accepts only JSON in UTF-8 without a content encoding: a few kilobytes of gzip can
// expand to gigabytes.
func checkMediaType(r *http.Request) error {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" &&
		!strings.EqualFold(encoding, "identity") {
		return &edge.Problem{Status: http.StatusUnsupportedMediaType,
			Code:   edge.CodeUnsupportedMediaType,
			Detail: "Content-Encoding: got " + quoteShort(encoding) + ", expected none"}
	}
	contentType := r.Header.Get("Content-Type")
	media, params, err := mime.ParseMediaType(contentType)
	charset := strings.ToLower(params["charset"])
	if err != nil || media != "application/json" ||
		charset != "" && charset != "utf-8" && charset != "utf8" {
		return &edge.Problem{Status: http.StatusUnsupportedMediaType,
			Code:   edge.CodeUnsupportedMediaType,
			Detail: "Content-Type: got " + quoteShort(contentType) + ", expected application/json"}
	}
	return nil
}

// readBody reads the whole body. The limit is maxSingleBody, or maxBatchBody for an array when
// batch is true. The caller must call release when it no longer uses the body, also after an error.
func (h *handler) readBody(
	w http.ResponseWriter, r *http.Request, batch bool,
) (body []byte, release func(), err error) {
	release = func() {}
	limit := int64(maxSingleBody)
	if batch {
		limit = maxBatchBody
	}
	if r.ContentLength > limit {
		return nil, release, &http.MaxBytesError{Limit: limit}
	}
	buffered := bufio.NewReaderSize(r.Body, maxLeadingSpace)
	// Tools on Windows write a byte order mark; RFC 8259, section 8.1, allows to ignore it.
	if mark, _ := buffered.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, _ = buffered.Discard(len(mark))
	}
	if !startsArray(buffered) {
		limit = maxSingleBody
	}
	if r.ContentLength > limit {
		return nil, release, &http.MaxBytesError{Limit: limit}
	}
	// When the body exceeds the limit, MaxBytesReader makes net/http close the connection instead
	// of reading the rest.
	in := http.MaxBytesReader(edge.Innermost(w), readCloser{buffered, r.Body}, limit)

	var small bytes.Buffer
	small.Grow(int(cmp.Or(min(max(r.ContentLength, 0), smallBody), 1<<10)) + bytes.MinRead)
	if _, err := io.CopyN(&small, in, smallBody); err == io.EOF {
		return small.Bytes(), release, nil
	} else if err != nil {
		return nil, release, bodyError(err)
	}
	return h.large.read(r.Context(), small.Bytes(), in, r.ContentLength, limit)
}

// bodyError returns errors that edge.ProblemOf knows as they are. Any other error of reading a body
// is broken framing, which is the client's fault.
func bodyError(err error) error {
	if edge.ProblemOf(err) == edge.ErrInternal {
		return &edge.Problem{
			Status: http.StatusBadRequest, Code: edge.CodeValidation,
			Detail: "body: broken transfer encoding",
		}
	}
	return err
}

// startsArray reports whether the first character that is not white space is '['. It looks at the
// first maxLeadingSpace bytes only.
func startsArray(b *bufio.Reader) bool {
	for n := 1; n <= maxLeadingSpace; n++ {
		head, err := b.Peek(n)
		if err != nil {
			return false // the next read returns the same error
		}
		if kind := strictjson.KindOf(head); kind != strictjson.None {
			return kind == strictjson.Array
		}
	}
	return false
}

type readCloser struct {
	io.Reader
	io.Closer
}
