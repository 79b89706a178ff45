package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// publisher publishes the notification of a number, and returns nil when the server has
// acknowledged it.
type publisher func(ctx context.Context, n int) error

// errKey is the error of a key that the server does not know.
var errKey = errors.New("the server refuses the API key: set ROOMCAST_API_KEY, or use --key-file")

// keyOf finds how the key reaches the server.
func (r *run) keyOf(ctx context.Context) error {
	if r.o.Key == "" {
		return nil
	}
	r.begin("key")
	r.keyName = "Authorization"
	a, err := r.api(ctx, http.MethodGet, "/v1/position", "")
	if err == nil && a.own && a.status == http.StatusUnauthorized {
		r.keyName = "X-API-Key"
		a, err = r.api(ctx, http.MethodGet, "/v1/position", "")
		if err == nil && a.status == http.StatusOK {
			r.fault("authorization", "the server gets no Authorization header; the same key in "+
				"X-API-Key was accepted")
		}
	}
	switch {
	case err != nil:
		r.noKey("GET /v1/position: %v", err)
	case a.own && a.status == http.StatusForbidden, a.own && a.status == http.StatusUnauthorized:
		return errKey
	case a.status != http.StatusOK:
		r.noKey("the proxy does not pass /v1 on (%s), so nothing is published with the key", a)
	default:
		r.publish = r.publishByKey
		r.tickets = r.ticketWorks(ctx)
		if !r.faults["authorization"] {
			r.ok("the server accepts the key")
		}
	}
	return nil
}

func (r *run) noKey(format string, args ...any) {
	r.skip(format, args...)
	r.o.Key = ""
}

// api sends a request of a backend.
func (r *run) api(ctx context.Context, method, path, body string) (answer, error) {
	req := r.request(ctx, method, r.url(path, nil), body)
	r.sign(req)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return r.do(r.http, req)
}

// sign adds the key to a request.
func (r *run) sign(req *http.Request) {
	switch r.keyName {
	case "Authorization":
		req.Header.Set(r.keyName, "Bearer "+r.o.Key)
	case "X-API-Key":
		req.Header.Set(r.keyName, r.o.Key)
	}
}

// ticket gets a ticket, with which a client needs no token in any mode of authentication.
func (r *run) ticket(ctx context.Context) (string, error) {
	body := fmt.Sprintf(`{"userId":%q,"channels":[%q]}`, r.user, r.channel)
	a, err := r.api(ctx, http.MethodPost, "/v1/tickets", body)
	var reply struct{ Ticket string }
	switch {
	case err != nil:
		return "", err
	case a.status != http.StatusCreated || json.Unmarshal(a.body, &reply) != nil:
		return "", &refusedError{a}
	}
	return reply.Ticket, nil
}

func (r *run) ticketWorks(ctx context.Context) bool {
	_, err := r.ticket(ctx)
	return err == nil // a key with a pattern may not cover the user
}

// mark is the data by which a notification is recognised.
func (r *run) mark(n int) string { return fmt.Sprintf(`{"run":%q,"n":%d}`, r.name, n) }

// publishByKey publishes as a backend. It sends no Idempotency-Key: with one the server would hide
// that a proxy repeats requests.
func (r *run) publishByKey(ctx context.Context, n int) error {
	body := fmt.Sprintf(`{"target":{"channel":%q},"type":"roomcast-verify","data":%s,"ttl":"1m"}`,
		r.channel, r.mark(n))
	return r.published(ctx, func() (answer, error) {
		return r.api(ctx, http.MethodPost, "/v1/notifications", body)
	})
}

// fill sends bytes to all clients of the run, which no client keeps.
func (r *run) fill(ctx context.Context, bytes int) error {
	return r.published(ctx, func() (answer, error) {
		return r.api(ctx, http.MethodPost, "/v1/notifications", r.filler(bytes))
	})
}

// filler is the body of a volatile notification of about this size.
func (r *run) filler(bytes int) string {
	return fmt.Sprintf(`{"target":{"channel":%q},"type":"roomcast-verify","volatile":true,"data":%q}`,
		r.channel, strings.Repeat("x", bytes))
}

// publishBy returns a publisher that sends messages as the client of a stream.
func (r *run) publishBy(l *listener) publisher {
	return func(ctx context.Context, n int) error {
		w := l.now().welcome
		body := fmt.Sprintf(`{"room":%q,"message":%s}`, r.channel, r.mark(n))
		return r.published(ctx, func() (answer, error) {
			path := strings.TrimRight(r.o.SSEPath, "/") + "/" + w.ClientID + "/messages"
			return r.do(r.http, r.request(ctx, http.MethodPost, r.url(path, nil), body,
				"Content-Type", "application/json", "X-Stream-Secret", w.Secret))
		})
	}
}

// published repeats a request while the server asks to come back later.
func (r *run) published(ctx context.Context, send func() (answer, error)) error {
	for range 20 {
		a, err := send()
		switch {
		case err != nil:
			return err
		case a.status == http.StatusOK:
			return nil
		case !a.later():
			return &refusedError{a}
		}
		seconds, _ := strconv.Atoi(a.header.Get("Retry-After"))
		sleep(ctx, min(max(time.Duration(seconds)*time.Second, 200*time.Millisecond), 5*time.Second))
	}
	return errBusy
}

// sleep returns after d, or when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
