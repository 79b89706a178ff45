package sse

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// ErrOverloaded is the error that [Options.Admit] wraps when no further stream is allowed. The
// client then gets a short stream with the event `overloaded`, because EventSource reconnects only
// after the status 200. The same holds for errors of Admit and of [Options.Auth] that another
// attempt may solve: an *[auth.Error], or an error with the method HTTPStatus() int, whose status
// is 429 or above 500, and errors that wrap [notify.ErrUnavailable] or [context.DeadlineExceeded].
// [Options.Problem] answers all other errors.
var ErrOverloaded error = overloaded{}

// overloaded has the HTTP status and the wait for a refusal outside of a stream.
type overloaded struct{}

func (overloaded) Error() string             { return "no place for another stream" }
func (overloaded) HTTPStatus() int           { return http.StatusServiceUnavailable }
func (overloaded) RetryAfter() time.Duration { return 5 * time.Second }

// The errors of this package that [Options.Problem] gets. Compare them with [errors.Is].
var (
	// ErrMethod: the route does not allow this method. The Allow header has the methods that it
	// allows.
	ErrMethod = &auth.Error{Code: "method_not_allowed", Message: "this method is not allowed here",
		Status: http.StatusMethodNotAllowed}
	// ErrNoStream: this node runs no stream with this client id.
	ErrNoStream = &auth.Error{Code: "not_found", Message: "no running stream has this client id",
		Status: http.StatusNotFound}
	// ErrNotYours: the stream belongs to another user.
	ErrNotYours = &auth.Error{Code: "forbidden", Message: "this stream belongs to another user",
		Status: http.StatusForbidden}
	// ErrMediaType: the Content-Type is not JSON. A page of another origin cannot send JSON without
	// a CORS preflight.
	ErrMediaType = &auth.Error{Code: "unsupported_media_type",
		Message: "expected Content-Type: application/json", Status: http.StatusUnsupportedMediaType}
)

// errCrowded refuses a body that needed long while too many others were incomplete.
var errCrowded = &auth.Error{Code: "unavailable", Message: "too many bodies are incomplete",
	Status: http.StatusServiceUnavailable, RetryAfter: time.Second}

func (h *Handler) refuseMethod(w http.ResponseWriter, r *http.Request, allow string) {
	w.Header().Set("Allow", allow)
	h.o.Problem(w, r, ErrMethod)
}

// writeProblem is the default of [Options.Problem].
func writeProblem(w http.ResponseWriter, _ *http.Request, err error) {
	status, code, detail := http.StatusInternalServerError, "internal", ""
	var (
		refused *auth.Error
		invalid *notify.ValidationError
		tooLong *http.MaxBytesError
	)
	switch {
	case errors.As(err, &refused):
		status, code, detail = refused.Status, refused.Code, refused.Error()
	case errors.As(err, &invalid):
		status, code, detail = http.StatusBadRequest, "validation", invalid.Error()
	case errors.As(err, &tooLong):
		status, code, detail = http.StatusRequestEntityTooLarge, "payload_too_large", err.Error()
	case errors.Is(err, notify.ErrUnavailable):
		status, code, detail = http.StatusServiceUnavailable, "unavailable",
			notify.ErrUnavailable.Error()
	}
	body, _ := json.Marshal(struct { // strings and a number always encode
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail,omitempty"`
		Code   string `json:"code"`
	}{"about:blank", http.StatusText(status), status, detail, code})
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
