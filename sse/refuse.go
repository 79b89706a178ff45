package sse

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// refuse answers a request for a stream that cannot start. An EventSource gives up for ever after a
// status other than 200, so only an error that another attempt cannot solve has one. For others the
// stream ends at its start, and the client reconnects.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, n names, err error) {
	wait, again := isPassing(err)
	if !again {
		h.problem(w, r, err)
		return
	}
	if h.o.Overloaded != nil {
		h.o.Overloaded(r, err)
	}
	setHeaders(w.Header())
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return
	}
	retry := newRetry()
	if wait > 0 {
		retry += wait - minRetry // at least wait, and random as without it
	}
	h.o.Log.Debug("stream refused", zap.String("code", "overloaded"), zap.Duration("retry", retry),
		zap.Error(err))
	event := n.appendControl(appendRetry(nil, retry), "", "overloaded", control{Type: "overloaded"})
	_ = newResponse(w, r).write([][]byte{event}, h.o.WriteTimeout) // the response ends in any case
}

// problem answers a request that is refused. The debug log has the code, and the refused claims of
// a token, which the client must not learn.
func (h *Handler) problem(w http.ResponseWriter, r *http.Request, err error) {
	var refused *auth.Error
	if errors.As(err, &refused) {
		claim := zap.Skip()
		if refused.Claim != "" {
			claim = zap.String("claim", refused.Claim)
		}
		h.o.Log.Debug("stream refused", zap.String("code", refused.Code), claim)
	}
	h.o.Problem(w, r, err)
}

// isPassing reports whether another attempt may succeed, and after which time if the error says so.
func isPassing(err error) (wait time.Duration, ok bool) {
	var (
		refused *auth.Error
		limited interface{ HTTPStatus() int }
	)
	switch {
	case errors.Is(err, ErrOverloaded), errors.Is(err, notify.ErrUnavailable),
		errors.Is(err, context.DeadlineExceeded):
		return 0, true
	case errors.As(err, &refused):
		return refused.RetryAfter, isPassingStatus(refused.Status)
	case errors.As(err, &limited):
		return 0, isPassingStatus(limited.HTTPStatus())
	}
	return 0, false
}

func isPassingStatus(status int) bool {
	return status == http.StatusTooManyRequests || status > http.StatusInternalServerError
}
