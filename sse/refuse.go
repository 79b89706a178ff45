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
	retry, again := retryAfter(err)
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

// retryAfter returns the time until the client tries again, and whether another attempt may succeed.
// The time is random, and at least that of the error if it has one.
func retryAfter(err error) (retry time.Duration, ok bool) {
	var (
		refused *auth.Error
		limited interface{ HTTPStatus() int }
		spread  interface {
			RetryAfter() time.Duration
			Spread() // the time is random already
		}
	)
	switch {
	case errors.As(err, &spread):
		return spread.RetryAfter(), true
	case errors.Is(err, ErrOverloaded), errors.Is(err, notify.ErrUnavailable),
		errors.Is(err, context.DeadlineExceeded):
		return newRetry(), true
	case errors.As(err, &refused):
		return newRetry() + max(0, refused.RetryAfter-minRetry), isPassingStatus(refused.Status)
	case errors.As(err, &limited):
		return newRetry(), isPassingStatus(limited.HTTPStatus())
	}
	return 0, false
}

func isPassingStatus(status int) bool {
	return status == http.StatusTooManyRequests || status > http.StatusInternalServerError
}
