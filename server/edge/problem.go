// Package edge has the middlewares and the error responses that every request shares.
package edge

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

// UncertainDetail is that of a publish that was being stored when its time was over.
const UncertainDetail = "the notification was not stored in time, and may be sent all the same: a repeated " +
	"request may send it twice, except with the same Idempotency-Key"

// The codes of errors. They are the same in problem documents, in the data of a connect_error, in
// error events and in acknowledgements.
const (
	CodeValidation            = "validation"
	CodeUnauthenticated       = "unauthenticated"
	CodeForbidden             = "forbidden"
	CodeNotFound              = "not_found"
	CodeConflict              = "conflict"
	CodeMethodNotAllowed      = "method_not_allowed"
	CodeRequestTimeout        = "request_timeout"
	CodePayloadTooLarge       = "payload_too_large"
	CodeUnsupportedMediaType  = "unsupported_media_type"
	CodeRateLimited           = "rate_limited"
	CodeTooManyConnections    = "too_many_connections"
	CodeUnavailable           = "unavailable"
	CodeUnknownEvent          = "unknown_event"
	CodeRoomLimit             = "room_limit"
	CodeRetainedLimit         = "retained_limit"
	CodeInternal              = "internal"
	ProblemContentType        = "application/problem+json"
	ChallengeBearer           = `Bearer realm="roomcast"`
	unavailableRetry          = time.Second
	OverloadedRetry           = 5 * time.Second // while the server has too little memory
	OverloadedDetail          = "the server has too little memory, and the notification was not sent; try again"
	UnavailableDetail         = "the notification could not be stored and was not sent; try again"
	statusClientClosedRequest = 499 // nginx's number; the client does not read it
)

// Problem is an error response (RFC 9457). Type is always "about:blank"; programs should switch on
// Code.
type Problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"` // for people
	Code      string `json:"code"`
	RequestID string `json:"request_id,omitempty"`
	Field     string `json:"field,omitempty"` // `type`, `target.user`, in a batch `[3].type`

	RetryAfter time.Duration `json:"-"` // the Retry-After header; 0: none
	allow      string        // the Allow header of a 405
}

func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// Overload is an error for a connection above a limit. It has the status of the response and the
// time until the next attempt.
type Overload interface {
	error
	HTTPStatus() int
	RetryAfter() time.Duration
}

var (
	// ErrInternal is the response to an unknown error. The cause is in the log.
	ErrInternal = &Problem{Status: http.StatusInternalServerError, Code: CodeInternal,
		Detail: "internal error; the log has the cause under the request_id"}
	// ErrKeyMissing is the response to a request without API key.
	ErrKeyMissing = &Problem{Status: http.StatusUnauthorized, Code: CodeUnauthenticated,
		Detail: "an API key is required: Authorization: Bearer <key>, or X-API-Key: <key>"}
	// ErrKeyWrong is the response to a request with an unknown API key.
	ErrKeyWrong = &Problem{Status: http.StatusForbidden, Code: CodeForbidden,
		Detail: "unknown API key"}

	errNotFound      = &Problem{Status: http.StatusNotFound, Code: CodeNotFound, Detail: "no such route"}
	errForeignOrigin = &Problem{Status: http.StatusForbidden, Code: CodeForbidden,
		Detail: "requests from this Origin are not allowed"}
)

// TooManyKeys is the response to a wrong key after too many of them from its address.
func TooManyKeys(retry time.Duration) *Problem {
	return &Problem{Status: http.StatusTooManyRequests, Code: CodeRateLimited, RetryAfter: retry,
		Detail: "too many wrong keys from this address"}
}

// WriteProblem answers a request with err as application/problem+json. Every package reports errors
// over HTTP with it. For an unknown error it sends a 500 and keeps the cause for the log. The
// caller must not have written to w before.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := ProblemFor(r, err)
	InfoOf(r).Code = p.Code
	h := w.Header()
	setAPIHeaders(h)
	h.Set("Content-Type", ProblemContentType)
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", Challenge(p.Code))
	}
	if p.RetryAfter > 0 {
		h.Set("Retry-After", retrySeconds(p.RetryAfter))
	}
	if p.allow != "" {
		h.Set("Allow", p.allow)
	}
	if p.Status == http.StatusRequestTimeout {
		h.Set("Connection", "close") // the rest of the body may still arrive
	}
	body, _ := json.Marshal(p) // a struct of strings
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n'))
}

// NoteRefusal notes the code of err, and its cause for the log, for a request whose response does
// not show them: a stream that ends at its start.
func NoteRefusal(r *http.Request, err error) { InfoOf(r).Code = ProblemFor(r, err).Code }

// ProblemFor returns ProblemOf err with the data of the request. It stores the cause of a 5xx for
// the log.
func ProblemFor(r *http.Request, err error) *Problem {
	p := *ProblemOf(err) // a copy, because some problems are shared
	info := InfoOf(r)
	p.Type, p.Title, p.RequestID = "about:blank", http.StatusText(p.Status), info.ID
	if p.Status >= http.StatusInternalServerError && err != error(ErrInternal) {
		info.Err = err
	}
	return &p
}

// ProblemOf maps an error to its status and code. No other function does that.
func ProblemOf(err error) *Problem {
	var (
		problem *Problem
		invalid *notify.ValidationError
		name    *rooms.NameError
		refused *auth.Error
		full    Overload
		tooLong *http.MaxBytesError
		retain  *notify.RetainError
	)
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &invalid):
		return &Problem{Status: http.StatusBadRequest, Code: CodeValidation, Field: invalid.Field, Detail: invalid.Error()}
	case errors.As(err, &retain):
		return &Problem{Status: http.StatusConflict, Code: CodeRetainedLimit, Field: retain.Field, Detail: retain.Error()}
	case errors.As(err, &name):
		return &Problem{Status: http.StatusBadRequest, Code: CodeValidation, Field: name.Field, Detail: name.Error()}
	case errors.As(err, &refused):
		detail := refused.Detail
		if detail == "" {
			detail = refused.Message
		}
		return &Problem{Status: refused.Status, Code: refused.Code, Detail: detail, RetryAfter: refused.RetryAfter}
	case errors.As(err, &full):
		return &Problem{Status: full.HTTPStatus(), Code: CodeTooManyConnections, Detail: full.Error(), RetryAfter: full.RetryAfter()}
	case errors.As(err, &tooLong):
		return &Problem{Status: http.StatusRequestEntityTooLarge, Code: CodePayloadTooLarge,
			Detail: "body: longer than " + strconv.FormatInt(tooLong.Limit, 10) + " bytes"}
	case errors.Is(err, notify.ErrOverloaded):
		return &Problem{Status: http.StatusServiceUnavailable, Code: CodeUnavailable, Detail: OverloadedDetail, RetryAfter: OverloadedRetry}
	case errors.Is(err, notify.ErrNotReady):
		return &Problem{Status: http.StatusServiceUnavailable, Code: CodeUnavailable, Detail: "the server has not read the stored notifications yet; try again", RetryAfter: unavailableRetry}
	case errors.Is(err, notify.ErrUncertain):
		return &Problem{Status: http.StatusServiceUnavailable, Code: CodeUnavailable, Detail: UncertainDetail, RetryAfter: unavailableRetry}
	case errors.Is(err, notify.ErrUnavailable), errors.Is(err, notify.ErrClosed), errors.Is(err, context.DeadlineExceeded):
		return &Problem{Status: http.StatusServiceUnavailable, Code: CodeUnavailable, Detail: UnavailableDetail, RetryAfter: unavailableRetry}
	case errors.Is(err, os.ErrDeadlineExceeded): // after the errors of a store, which can have it as their cause
		return &Problem{Status: http.StatusRequestTimeout, Code: CodeRequestTimeout,
			Detail: "body: not complete after " + BodyTimeout.String()}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Problem{Status: http.StatusBadRequest, Code: CodeValidation, Detail: "body: shorter than its Content-Length"}
	case errors.Is(err, context.Canceled):
		return &Problem{Status: statusClientClosedRequest, Code: CodeRequestTimeout, Detail: "the client disconnected"}
	}
	return ErrInternal
}

// Challenge returns the WWW-Authenticate header of RFC 6750, section 3: the scheme, and for wrong
// credentials the error.
func Challenge(code string) string {
	if code == CodeUnauthenticated {
		return ChallengeBearer
	}
	return ChallengeBearer + `, error="invalid_token"`
}

// retrySeconds rounds up, because a client that comes back too early is refused again.
func retrySeconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}
