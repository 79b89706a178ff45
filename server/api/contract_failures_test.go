package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
)

// slowBodies sends requests whose bodies never arrive.
func (c *contract) slowBodies(t *testing.T, hub *notify.Hub) {
	h := newHandler(testOptions(hub, servertest.Key))
	slow := *c
	slow.base = "http://" + servertest.Serve(t, edge.WithInfo(nil,
		edge.WithBodyDeadline(20*time.Millisecond, edge.WithAPIHeaders(h.router()))))
	for i := range h.routes {
		if r := &h.routes[i]; r.Body != nil {
			in, out := io.Pipe()
			defer out.Close()
			status, text, _ := slow.askReader(t, r.Method, r.Path, r.Body.Example, in,
				"X-API-Key: "+servertest.Key, "Content-Type: application/json")
			if status != 408 {
				t.Errorf("%s: %d %s", r.Path, status, text)
			}
			_ = in.Close()
		}
	}
}

// fullIssuer refuses to issue tickets, and to revoke them.
type fullIssuer struct{ *auth.Tickets }

func (fullIssuer) Issue(string, string, []string, time.Duration) (string, time.Time, error) {
	return "", time.Time{}, auth.ErrTicketsFull
}

func (fullIssuer) Revoke(string) (int, error) { return 0, auth.ErrTicketsUnavailable }

// downBus cannot ask other nodes.
type downBus struct{ cluster.Alone }

func (downBus) Ask(context.Context, string, []byte) (map[string][]byte, []string, error) {
	return nil, nil, errors.New("dial tcp 10.0.0.7:6379: connection refused")
}

func (downBus) Self() cluster.Node { return cluster.Node{} }

// downStore sends requests while the store is unavailable.
func (c *contract) downStore(t *testing.T) {
	hub := notify.New(servertest.DownLog{Log: notify.NewMemoryLog()}, notify.DefaultOptions())
	t.Cleanup(hub.Close)
	options := testOptions(hub, servertest.Key)
	options.Tickets, options.Bus = fullIssuer{}, downBus{}
	options.Ready = probe(http.StatusServiceUnavailable,
		`{"status":"unavailable","reason":"log"}`)
	h := newHandler(options)
	down := *c
	down.base = "http://" + servertest.Serve(t, edge.WithInfo(nil, New(options)))
	for i := range h.routes {
		if r := &h.routes[i]; r.Body != nil || r.busy || slices.Contains(r.errors(), 503) {
			headers := []string{"X-API-Key: " + servertest.Key}
			if r.Body != nil {
				headers = append(headers, "Content-Type: application/json")
			}
			_, body := goodRequest(r)
			if status, text, _ := down.ask(t, r.Method, r.Path, body, headers...); status != 503 {
				t.Errorf("%s: %d %s", r.Path, status, text)
			}
		}
	}
}

// wrongKeys sends more wrong keys than an address may. Every six seconds the server accepts one
// more attempt, which returns 403.
func (c *contract) wrongKeys(t *testing.T, h *handler) {
	for range limit.MaxKeyFailures {
		if status, text, _ := c.ask(t, "GET", "/v1/stats", "", "X-API-Key: wrong"); status != 403 {
			t.Fatalf("%d %s", status, text)
		}
	}
	for i := range h.routes {
		if r := &h.routes[i]; r.serve == nil {
			path, body := goodRequest(r)
			status, text := 0, ""
			for attempt := 0; attempt < 10 && status != 429; attempt++ {
				status, text, _ = c.ask(t, r.Method, path, body, "X-API-Key: wrong")
			}
			if status != 429 {
				t.Errorf("%s: %d %s", path, status, text)
			}
		}
	}
}
