// Package edge is what every request passes: its id and client address, the request log, CORS, the
// deadline of its body, and the one form and list of codes in which errors leave.
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

// The codes of errors: they are the same in a problem document, in the data of
// a connect_error, in error events and in acknowledgements.
const (
	CodeValidation           = "validation"
	CodeUnauthenticated      = "unauthenticated"
	CodeForbidden            = "forbidden"
	CodeNotFound             = "not_found"
	CodeConflict             = "conflict"
	CodeMethodNotAllowed     = "method_not_allowed"
	CodeRequestTimeout       = "request_timeout"
	CodePayloadTooLarge      = "payload_too_large"
	CodeUnsupportedMediaType = "unsupported_media_type"
	CodeRateLimited          = "rate_limited"
	CodeTooManyConnections   = "too_many_connections"
	CodeUnavailable          = "unavailable"
	CodeUnknownEvent         = "unknown_event"
	CodeRoomLimit            = "room_limit"
	CodeInternal             = "internal"
	ProblemContentType       = "application/problem+json"
	ChallengeBearer          = `Bearer realm="roomcast"`
	unavailableRetry         = time.Second
	UnavailableDetail        = "the notification could not be stored and was not sent; try again"
	statusClientGoneAway     = 499 // nginx's number; nobody is there to read it
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

	RetryAfter time.Duration `json:"-"` // the Retry-After header; 0: none
	allow      string        // the Allow header of a 405
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
	ErrInternal      = &Problem{Status: http.StatusInternalServerError, Code: CodeInternal, Detail: "something went wrong on our side; the request_id helps to find it in the log"}
	errNotFound      = &Problem{Status: http.StatusNotFound, Code: CodeNotFound, Detail: "no such route"}
	errForeignOrigin = &Problem{Status: http.StatusForbidden, Code: CodeForbidden, Detail: "requests from this Origin are not allowed"}
	ErrKeyMissing    = &Problem{Status: http.StatusUnauthorized, Code: CodeUnauthenticated, Detail: "an API key is required: Authorization: Bearer <key>, or X-API-Key: <key>"}
	ErrKeyWrong      = &Problem{Status: http.StatusForbidden, Code: CodeForbidden, Detail: "this API key is not known"}
)

// WriteProblem answers a request with err as application/problem+json. It is
// the one way in which errors of every package leave over HTTP; an error it does
// not know is a 500 whose cause is logged and not sent. Nothing may have been
// written before.
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
		h.Set("Connection", "close") // the rest of the body may still come
	}
	body, _ := json.Marshal(p) // a struct of strings
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n'))
}

// ProblemFor completes what errorProblem says with what is known of the request,
// and leaves the cause of a 5xx for the log.
func ProblemFor(r *http.Request, err error) *Problem {
	p := *ProblemOf(err) // a copy: some are shared
	info := InfoOf(r)
	p.Type, p.Title, p.RequestID = "about:blank", http.StatusText(p.Status), info.ID
	if p.Status >= http.StatusInternalServerError && err != error(ErrInternal) {
		info.Err = err
	}
	return &p
}

// ProblemOf is the one place that maps errors to statuses and codes.
func ProblemOf(err error) *Problem {
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
		return &Problem{Status: http.StatusBadRequest, Code: CodeValidation, Field: invalid.Field, Detail: invalid.Error()}
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
			Detail: "body: more than the " + strconv.FormatInt(tooLong.Limit, 10) + " bytes allowed"}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &Problem{Status: http.StatusRequestTimeout, Code: CodeRequestTimeout,
			Detail: "body: not complete after " + BodyTimeout.String()}
	case errors.Is(err, notify.ErrUnavailable), errors.Is(err, notify.ErrClosed), errors.Is(err, context.DeadlineExceeded):
		return &Problem{Status: http.StatusServiceUnavailable, Code: CodeUnavailable, Detail: UnavailableDetail, RetryAfter: unavailableRetry}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Problem{Status: http.StatusBadRequest, Code: CodeValidation, Detail: "body: it ended before its announced length"}
	case errors.Is(err, context.Canceled):
		return &Problem{Status: statusClientGoneAway, Code: CodeRequestTimeout, Detail: "the client went away"}
	}
	return ErrInternal
}

// Challenge follows RFC 6750, section 3: a request without credentials learns
// the scheme, one with bad credentials also what was wrong.
func Challenge(code string) string {
	if code == CodeUnauthenticated {
		return ChallengeBearer
	}
	return ChallengeBearer + `, error="invalid_token"`
}

// retrySeconds rounds up: a client that comes back early is refused again.
func retrySeconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

// RawJSON is a value that is JSON already. It goes out byte for byte, which
// json.Marshal does not promise for a json.RawMessage.
type RawJSON []byte

func WriteJSON(w http.ResponseWriter, status int, v any) {
	setAPIHeaders(w.Header())
	w.Header().Set("Content-Type", "application/json")
	body, ready := v.(RawJSON)
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
