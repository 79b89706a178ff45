//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// apiAttacks call the HTTP API as often as they can.
var apiAttacks = []Attack{
	{
		Name: "guesses of keys", Row: "A16",
		Figure: Figure{Growth: 16 << 20, Promise: "≤ 10 are checked"}, Run: guessKeys,
	},
	{
		Name: "reads of a full history", Row: "B08", Settings: []string{"HISTORY_MAX_BYTES=16MiB"},
		Figure: Figure{Growth: 32 << 20}, Run: readHistory,
	},
	{
		Name: "lists of connections, users and channels, with 2,000 clients", Row: "D21",
		Settings: []string{"MAX_CONNECTIONS=100000"},
		Figure:   Figure{Growth: 64 << 20}, Run: readLists,
	},
	{
		Name: "requests of guests for the console, the description and statistics", Row: "C09",
		Figure: Figure{Growth: 32 << 20}, Run: readPages,
	},
}

// guessKeys sends wrong keys from the address of the backend that publishes to the others.
func guessKeys(ctx context.Context, t *target) error {
	each(t.n(2000), 8, func(i int) {
		t.count(t.call(ctx, http.MethodGet, "/v1/stats", "", "X-API-Key",
			fmt.Sprintf("a-wrong-key-%030d", i)))
	})
	t.did.mu.Lock()
	checked := t.did.counts["401"] + t.did.counts["403"]
	t.did.mu.Unlock()
	if checked > 11 { // 10, and one that comes back during the attack
		t.broken("%d were checked", checked)
	}
	return nil
}

func readHistory(ctx context.Context, t *target) error {
	data := `"` + strings.Repeat("x", 10_000) + `"`
	each(t.n(2000), 4, func(int) { _, _ = t.publish(ctx, "full", data) })
	if err := t.restart(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, t.hold(10*time.Second))
	defer cancel()
	t.repeat(ctx, 8, func(int) (reply, error) {
		return t.call(ctx, http.MethodGet, "/v1/notifications?channel=full&since=0&limit=1000", "")
	})
	return nil
}

func readLists(ctx context.Context, t *target) error {
	each(t.n(2000), 50, func(i int) {
		s, _, err := t.connect(ctx, i%8, fmt.Sprintf(
			`{"userId":"u%d","channels":["a%d","b%d","c%d"]}`, i, i, i, i))
		if err != nil {
			t.did.add(outcome(err))
			return
		}
		context.AfterFunc(ctx, func() { _ = s.Close() })
	})
	if err := t.restart(); err != nil {
		return err
	}
	paths := []string{
		"/v1/connections?limit=1000", "/v1/users?online=true&limit=1000", "/v1/channels?limit=1000",
		"/v1/stats", "/v1/connections?channel=general&limit=1",
	}
	ctx, cancel := context.WithTimeout(ctx, t.hold(10*time.Second))
	defer cancel()
	t.repeat(ctx, 4, func(i int) (reply, error) {
		return t.call(ctx, http.MethodGet, paths[i%len(paths)], "")
	})
	return nil
}

func readPages(ctx context.Context, t *target) error {
	paths := []string{"/", "/openapi.json", "/docs", "/readyz", "/v1/stats", "/no/such/page"}
	ctx, cancel := context.WithTimeout(ctx, t.hold(10*time.Second))
	defer cancel()
	t.repeat(ctx, 4, func(i int) (reply, error) {
		return t.call(ctx, http.MethodGet, paths[i%len(paths)], "", "X-API-Key", "")
	})
	return nil
}
