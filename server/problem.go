package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// The codes of errors: they are the same in a problem document, in the data of
// a connect_error, in error events and in acknowledgements.
const (
	codeValidation       = "validation"
	codeUnauthenticated  = "unauthenticated"
	codeForbidden        = "forbidden"
	codeNotFound         = "not_found"
	codeConflict         = "conflict"
	codeMethod           = "method_not_allowed"
	codeTimeout          = "request_timeout"
	codeTooLarge         = "payload_too_large"
	codeMediaType        = "unsupported_media_type"
	codeRateLimited      = "rate_limited"
	codeTooMany          = "too_many_connections"
	codeUnavailable      = "unavailable"
	codeInternal         = "internal"
	problemContentType   = "application/problem+json"
	challengeBearer      = `Bearer realm="roomcast"`
	unavailableRetry     = time.Second
	unavailableDetail    = "the notification could not be stored and was not sent; try again"
	statusClientGoneAway = 499 // nginx's number; nobody is there to read it
)

// Problem is an error as it goes out over HTTP, RFC 9457. Type is always
// "about:blank": Code is what programs switch on.
type Problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"` // for people: which field, what came, what is expected
	Code      string `json:"code"`
	RequestID string `json:"request_id,omitempty"`
	Field     string `json:"field,omitempty"` // `type`, `target.user`, in a batch `[3].type`

	retryAfter time.Duration
	allow      string // the Allow header of a 405
}

func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// Overload is an error that refuses a connection because a limit is reached. It
// names the status of the answer and when to try again.
type Overload interface {
	error
	HTTPStatus() int
	RetryAfter() time.Duration
}

var (
	errInternal      = &Problem{Status: http.StatusInternalServerError, Code: codeInternal, Detail: "something went wrong on our side; the request_id helps to find it in the log"}
	errNotFound      = &Problem{Status: http.StatusNotFound, Code: codeNotFound, Detail: "no such route"}
	errForeignOrigin = &Problem{Status: http.StatusForbidden, Code: codeForbidden, Detail: "requests from this Origin are not allowed"}
	errKeyMissing    = &Problem{Status: http.StatusUnauthorized, Code: codeUnauthenticated, Detail: "an API key is required: Authorization: Bearer <key>, or X-API-Key: <key>"}
	errKeyWrong      = &Problem{Status: http.StatusForbidden, Code: codeForbidden, Detail: "this API key is not known"}
)

// WriteProblem answers a request with err as application/problem+json. It is
// the one way in which errors of every package leave over HTTP; an error it does
// not know is a 500 whose cause is logged and not sent. Nothing may have been
// written before.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(r, err)
	infoOf(r).code = p.Code
	h := w.Header()
	setAPIHeaders(h)
	h.Set("Content-Type", problemContentType)
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", challenge(p.Code))
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", retrySeconds(p.retryAfter))
	}
	if p.allow != "" {
		h.Set("Allow", p.allow)
	}
	if p.Status == http.StatusRequestTimeout {
		h.Set("Connection", "close") // the rest of the body may still come
	}
	body, _ := json.Marshal(p) // a struct of strings
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n'))
}

// problemOf completes what errorProblem says with what is known of the request,
// and leaves the cause of a 5xx for the log.
func problemOf(r *http.Request, err error) *Problem {
	p := *errorProblem(err) // a copy: some are shared
	info := infoOf(r)
	p.Type, p.Title, p.RequestID = "about:blank", http.StatusText(p.Status), info.id
	if p.Status >= http.StatusInternalServerError && err != error(errInternal) {
		info.err = err
	}
	return &p
}

// errorProblem is the one place that maps errors to statuses and codes.
func errorProblem(err error) *Problem {
	var (
		problem *Problem
		invalid *notify.ValidationError
		name    *rooms.NameError
		refused *auth.Error
		full    Overload
		tooLong *http.MaxBytesError
	)
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &invalid):
		return &Problem{Status: http.StatusBadRequest, Code: codeValidation, Field: invalid.Field, Detail: invalid.Error()}
	case errors.As(err, &name):
		return &Problem{Status: http.StatusBadRequest, Code: codeValidation, Field: name.Field, Detail: name.Error()}
	case errors.As(err, &refused):
		detail := refused.Detail
		if detail == "" {
			detail = refused.Message
		}
		return &Problem{Status: refused.Status, Code: refused.Code, Detail: detail, retryAfter: refused.RetryAfter}
	case errors.As(err, &full):
		return &Problem{Status: full.HTTPStatus(), Code: codeTooMany, Detail: full.Error(), retryAfter: full.RetryAfter()}
	case errors.As(err, &tooLong):
		return &Problem{Status: http.StatusRequestEntityTooLarge, Code: codeTooLarge,
			Detail: "body: more than the " + strconv.FormatInt(tooLong.Limit, 10) + " bytes allowed"}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &Problem{Status: http.StatusRequestTimeout, Code: codeTimeout,
			Detail: "body: not complete after " + bodyTimeout.String()}
	case errors.Is(err, notify.ErrUnavailable), errors.Is(err, notify.ErrClosed), errors.Is(err, context.DeadlineExceeded):
		return &Problem{Status: http.StatusServiceUnavailable, Code: codeUnavailable, Detail: unavailableDetail, retryAfter: unavailableRetry}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Problem{Status: http.StatusBadRequest, Code: codeValidation, Detail: "body: it ended before its announced length"}
	case errors.Is(err, context.Canceled):
		return &Problem{Status: statusClientGoneAway, Code: codeTimeout, Detail: "the client went away"}
	}
	return errInternal
}

// challenge follows RFC 6750, section 3: a request without credentials learns
// the scheme, one with bad credentials also what was wrong.
func challenge(code string) string {
	if code == codeUnauthenticated {
		return challengeBearer
	}
	return challengeBearer + `, error="invalid_token"`
}

// retrySeconds rounds up: a client that comes back early is refused again.
func retrySeconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

// rawJSON is a value that is JSON already. It goes out byte for byte, which
// json.Marshal does not promise for a json.RawMessage.
type rawJSON []byte

func writeJSON(w http.ResponseWriter, status int, v any) {
	setAPIHeaders(w.Header())
	w.Header().Set("Content-Type", "application/json")
	body, ready := v.(rawJSON)
	if !ready {
		var err error
		if body, err = json.Marshal(v); err != nil {
			// Only values of our own come here; one that cannot be marshalled is
			// a defect, and the recovery middleware is the place for these.
			panic(err)
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // may be an answer that other requests share: nothing is appended to it
	_, _ = w.Write([]byte{'\n'})
}
