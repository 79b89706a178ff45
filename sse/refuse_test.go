package sse

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// refusing is an Authenticator that refuses every client.
type refusing struct{ err error }

func (a *refusing) Authenticate(
	context.Context, auth.Credentials, auth.Transport,
) (auth.Identity, error) {
	return auth.Identity{}, a.err
}

func (a *refusing) Refresh(context.Context, auth.Identity, string) (auth.Identity, error) {
	return auth.Identity{}, a.err
}

func (a *refusing) Renew(context.Context, auth.Identity, func(auth.Identity, error)) {}
func (a *refusing) Mode() auth.Mode                                                  { return auth.ModeOpen }

// status is an error of another package, such as a limit.
type status int

func (s status) Error() string   { return "no" }
func (s status) HTTPStatus() int { return int(s) }

// Passing trouble does not end an EventSource: it reconnects only after the status 200.
func TestPassingTrouble(t *testing.T) { bothWays(t, testPassingTrouble) }

func testPassingTrouble(t *testing.T, w way) {
	a := &refusing{}
	var causes []error
	r := newRig(t, Options{Auth: a, Overloaded: func(_ *http.Request, err error) {
		causes = append(causes, err)
	}})
	srv := r.serve(t, w)
	limited := &auth.Error{Code: "rate_limited", Status: 429, RetryAfter: 30 * time.Second}
	for _, c := range []struct {
		err    error
		status int
		retry  time.Duration // at least
	}{
		{auth.ErrKeySetUnavailable, 200, auth.ErrKeySetUnavailable.RetryAfter},
		{fmt.Errorf("%w: %w", auth.ErrTicketsUnavailable, notify.ErrUnavailable), 200, time.Second},
		{fmt.Errorf("hook: %w", limited), 200, limited.RetryAfter},
		{limited, 200, 30 * time.Second},
		{&auth.Error{Code: "unavailable", Status: 502}, 200, time.Second},
		{notify.ErrUnavailable, 200, time.Second},
		{context.DeadlineExceeded, 200, time.Second},
		{status(503), 200, time.Second},
		{status(429), 200, time.Second},
		{auth.ErrInvalid, 401, 0},
		{auth.ErrExpired, 401, 0},
		{auth.ErrForbidden, 403, 0},
		{auth.ErrMalformed, 400, 0},
		{&auth.Error{Code: "internal", Status: 500}, 500, 0},
		{&notify.ValidationError{Field: "as"}, 400, 0},
		{status(403), 500, 0},         // of writeProblem
		{io.ErrUnexpectedEOF, 500, 0}, // unknown
	} {
		a.err, causes = c.err, nil
		for target, name := range map[string]string{"/sse": "overloaded", "/api/sse": "message"} {
			resp := get(t, t.Context(), http.DefaultClient, srv.URL+target)
			text, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != c.status {
				t.Fatalf("%v %s: %d %s %v, want %d", c.err, target, resp.StatusCode, text, err,
					c.status)
			}
			if c.status != http.StatusOK {
				continue
			}
			form := regexp.MustCompile("^retry: (\\d+)\nevent: " + name +
				"\ndata: {\"type\":\"overloaded\"}\n\n$")
			match := form.FindSubmatch(text)
			if match == nil || resp.Header.Get("Content-Type") != "text/event-stream" {
				t.Fatalf("%v %s: %q %v", c.err, target, text, resp.Header)
			}
			ms, _ := strconv.Atoi(string(match[1]))
			if retry := time.Duration(ms) * time.Millisecond; retry < c.retry ||
				retry > c.retry+5*time.Second {
				t.Errorf("%v: retry %v, want at least %v", c.err, retry, c.retry)
			}
			head, err := http.Head(srv.URL + target)
			if err != nil || head.StatusCode != http.StatusOK {
				t.Errorf("%v: HEAD %v, %v", c.err, head, err)
			}
		}
		if c.status == http.StatusOK && (len(causes) != 4 || causes[0] != c.err) {
			t.Errorf("%v: causes %v", c.err, causes)
		}
	}
}

// busy is an error whose wait is random already.
type busy struct{ status }

func (busy) RetryAfter() time.Duration { return 1234 * time.Millisecond }
func (busy) Spread()                   {}

// A gate refuses a stream before its client authenticates, so a ticket stays valid. HEAD has no
// stream to refuse.
func TestGate(t *testing.T) { bothWays(t, testGate) }

func testGate(t *testing.T, w way) {
	a := &refusing{auth.ErrInvalid}
	open := false
	r := newRig(t, Options{Auth: a, Gate: func(*http.Request) error {
		if open {
			return nil
		}
		return busy{503}
	}})
	srv := r.serve(t, w)
	resp := get(t, t.Context(), http.DefaultClient, srv.URL+"/sse")
	text, err := io.ReadAll(resp.Body)
	const want = "retry: 1234\nevent: overloaded\ndata: {\"type\":\"overloaded\"}\n\n"
	if err != nil || resp.StatusCode != http.StatusOK || string(text) != want {
		t.Errorf("%d %q %v, want %q", resp.StatusCode, text, err, want)
	}
	head, err := http.Head(srv.URL + "/sse")
	if err != nil || head.StatusCode != http.StatusUnauthorized {
		t.Errorf("HEAD %v %v", head, err)
	}
	open = true
	if resp := get(t, t.Context(), http.DefaultClient, srv.URL+"/sse"); resp.StatusCode != 401 {
		t.Errorf("behind the gate: %d", resp.StatusCode)
	}
}
