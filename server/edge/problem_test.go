package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/sse"
)

// ProblemOf is the only table of errors.
func TestProblemOf(t *testing.T) {
	for _, tc := range []struct {
		err    error
		status int
		code   string
		retry  time.Duration
	}{
		{&notify.ValidationError{Field: "type", Reason: "r"}, 400, "validation", 0},
		{errors.Join(io.EOF, &notify.ValidationError{Field: "type", Reason: "r"}), 400, "validation", 0},
		{notify.ErrUnavailable, 503, "unavailable", time.Second},
		{fmt.Errorf("%w: %w", notify.ErrUncertain, context.DeadlineExceeded), 503, "unavailable", time.Second},
		{notify.ErrClosed, 503, "unavailable", time.Second},
		{context.DeadlineExceeded, 503, "unavailable", time.Second},
		{&http.MaxBytesError{Limit: 5}, 413, "payload_too_large", 0},
		{full{429, 10 * time.Second}, 429, "too_many_connections", 10 * time.Second},
		{full{503, 5 * time.Second}, 503, "too_many_connections", 5 * time.Second},
		{context.Canceled, 499, "request_timeout", 0},
		{errors.New("disk on fire"), 500, "internal", 0},
		{io.ErrUnexpectedEOF, 400, "validation", 0},
		{fmt.Errorf("attach: %w", notify.ErrNotReady), 503, "unavailable", time.Second},
		{sse.ErrOverloaded, 503, "too_many_connections", 5 * time.Second},
		{fmt.Errorf("%w: %w", full{429, 10 * time.Second}, sse.ErrOverloaded), 429, "too_many_connections", 10 * time.Second},
		{sse.ErrMethod, 405, "method_not_allowed", 0},
		{sse.ErrNoStream, 404, "not_found", 0},
		{auth.ErrRequired, 401, "unauthenticated", 0},
		{auth.ErrInvalid, 401, "invalid_token", 0},
		{auth.ErrExpired, 401, "token_expired", 0},
		{auth.ErrForbidden, 403, "forbidden", 0},
		{rooms.CheckUserID("userId", ""), 400, "validation", 0},
		{os.ErrDeadlineExceeded, 408, "request_timeout", 0},
		{fmt.Errorf("%w: %w", notify.ErrUnavailable, os.ErrDeadlineExceeded), 503, "unavailable", time.Second},
		{fmt.Errorf("%w: %w", notify.ErrUncertain, os.ErrDeadlineExceeded), 503, "unavailable", time.Second},
	} {
		p := ProblemOf(tc.err)
		if errors.Is(tc.err, notify.ErrUncertain) != (p.Detail == UncertainDetail) {
			t.Errorf("%v: %s", tc.err, p.Detail)
		}
		if p.Status != tc.status || p.Code != tc.code || p.RetryAfter != tc.retry {
			t.Errorf("%v: %d %s %v, want %d %s %v", tc.err, p.Status, p.Code, p.RetryAfter, tc.status, tc.code, tc.retry)
		}
		if strings.Contains(p.Detail, "disk") {
			t.Errorf("the detail contains the cause: %s", p.Detail)
		}
	}
}

// full is the error of a limit.
type full struct {
	status int
	wait   time.Duration
}

func (f full) Error() string             { return "full" }
func (f full) HTTPStatus() int           { return f.status }
func (f full) RetryAfter() time.Duration { return f.wait }
