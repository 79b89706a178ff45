package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/roomcast/roomcast/server/edge"
)

const (
	// Bodies above smallBody need one of maxLargeBodies shared buffers, for which a request waits
	// at most largeBodyWait. So the memory for parallel uploads does not depend on the number of
	// connections.
	maxLargeBodies = 8
	largeBodyWait  = 2 * time.Second

	// maxBatchBytes is how many bytes the bodies above maxSingleBody have in all. What the server
	// decodes from them takes three times as much again.
	maxBatchBytes = 2 * maxBatchBody
)

var errTooManyLarge = &edge.Problem{Status: http.StatusServiceUnavailable,
	Code: edge.CodeUnavailable, RetryAfter: time.Second,
	Detail: "the server is reading too many large bodies; nothing was sent, try again"}

// largeBodies reads bodies above smallBody.
type largeBodies struct {
	buffers chan *bytes.Buffer
	batches *semaphore.Weighted // of maxBatchBytes
}

func newLargeBodies() largeBodies {
	l := largeBodies{make(chan *bytes.Buffer, maxLargeBodies), semaphore.NewWeighted(maxBatchBytes)}
	for range maxLargeBodies {
		l.buffers <- new(bytes.Buffer)
	}
	return l
}

// read reads a body that begins with small and has at most limit bytes, those of length if it is
// not negative. The caller must call release when it no longer uses the body, also after an error.
func (l largeBodies) read(
	ctx context.Context, small []byte, in io.Reader, length, limit int64,
) (body []byte, release func(), err error) {
	release = func() {}
	reserve := func(n int64) error {
		wait, cancel := context.WithTimeout(ctx, largeBodyWait)
		defer cancel()
		if l.batches.Acquire(wait, n) != nil {
			return tooManyLarge(ctx)
		}
		before := release
		release = func() { before(); l.batches.Release(n) }
		return nil
	}
	if length > maxSingleBody { // before it takes a buffer, for which small bodies wait
		if err := reserve(length); err != nil {
			return nil, release, err
		}
	}
	b, err := l.take(ctx)
	if err != nil {
		return nil, release, err
	}
	reserved := release
	release = func() { l.put(b); reserved() }
	b.Grow(int(max(length, maxSingleBody)) + bytes.MinRead)
	b.Write(small)
	if length < 0 && limit > maxSingleBody {
		switch _, err := io.CopyN(b, in, maxSingleBody-int64(len(small))); {
		case err == io.EOF:
			return b.Bytes(), release, nil
		case err != nil:
			return nil, release, bodyError(err)
		}
		if err := reserve(limit); err != nil {
			return nil, release, err
		}
	}
	if _, err := b.ReadFrom(in); err != nil {
		return nil, release, bodyError(err)
	}
	return b.Bytes(), release, nil
}

// take returns a buffer when there is one.
func (l largeBodies) take(ctx context.Context) (*bytes.Buffer, error) {
	wait, cancel := context.WithTimeout(ctx, largeBodyWait)
	defer cancel()
	select {
	case b := <-l.buffers:
		return b, nil
	case <-wait.Done():
		return nil, tooManyLarge(ctx)
	}
}

// put returns a buffer for the next large body. It replaces the buffer of a large batch with an
// empty one, because batches of that size can be a day apart.
func (l largeBodies) put(b *bytes.Buffer) {
	b.Reset()
	if b.Cap() > 2*maxSingleBody {
		b = new(bytes.Buffer)
	}
	l.buffers <- b
}

// tooManyLarge is the error after a wait: that of the request, if it has ended.
func tooManyLarge(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return errTooManyLarge
}
