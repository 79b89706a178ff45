package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
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

// begun is a body whose first bytes have been read.
type begun struct {
	io.ReadCloser               // the rest
	first         *bytes.Buffer // nil when it is empty
	release       func()        // of first, once
}

// begin reads the first upstreamPart bytes of a body, or all of it, before the application is asked:
// a client that sends slowly then holds one descriptor, its own, and no worker of the application.
// While very many bodies begin at the same time, it reads nothing.
func (u *upstream) begin(body io.ReadCloser) (io.ReadCloser, error) {
	if !u.beginning.TryAcquire(1) {
		return body, nil
	}
	b := &begun{body, new(bytes.Buffer), sync.OnceFunc(func() { u.beginning.Release(1) })}
	if _, err := io.CopyN(b.first, body, upstreamPart); err != nil && err != io.EOF {
		b.release()
		return nil, err
	}
	return b, nil
}

func (b *begun) Read(p []byte) (int, error) {
	if b.first == nil {
		return b.ReadCloser.Read(p)
	}
	n, err := b.first.Read(p)
	if b.first.Len() > 0 {
		return n, err
	}
	b.first = nil
	b.release()
	if err == io.EOF { // it was empty
		return b.ReadCloser.Read(p)
	}
	return n, err
}

func (b *begun) Close() error {
	b.release()
	return b.ReadCloser.Close()
}

// bodyProblem returns the error for a client whose body does not begin.
func (u *upstream) bodyProblem(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &edge.Problem{Status: http.StatusRequestTimeout, Code: edge.CodeRequestTimeout,
			Detail: fmt.Sprintf("body: less than %d bytes in %s", upstreamPart, u.idle)}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.Canceled):
		return err
	}
	return &edge.Problem{Status: http.StatusBadRequest, Code: edge.CodeValidation,
		Detail: "body: broken transfer encoding"}
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
