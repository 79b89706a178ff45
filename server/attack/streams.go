//go:build linux

package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// streamAttacks are requests for streams and sessions that cost more than they should.
var streamAttacks = []Attack{
	requests("userId 1,700 times", "issue 4", time.Millisecond, func(int) string {
		return pollPath + strings.Repeat("&userId=a", 1700)
	}),
	requests("userId 1,700 times to a stream", "issue 4", time.Millisecond, func(int) string {
		return "/sse?channels=a" + strings.Repeat("&userId=a", 1600)
	}),
	requests("8,000 empty parameters", "issue 4", time.Millisecond, func(int) string {
		return pollPath + strings.Repeat("&", 15_000)
	}),
	requests("3,000 parameters with other names", "issue 4", 2*time.Millisecond, func(int) string {
		var b strings.Builder
		for i := range 3000 {
			fmt.Fprintf(&b, "&%x=", i)
		}
		return "/sse?userId=u" + b.String()
	}),
	// Reading the query takes 0.06 ms, opening the stream the rest, as for the other streams here.
	requests("array parameters of one list", "issue 4", 2*time.Millisecond, func(int) string {
		return "/sse?userId=u" + strings.Repeat("&channels[0]=a", 1000)
	}),
	requests("escapes in a query of 15 KB", "issue 4", time.Millisecond, func(int) string {
		return pollPath + "&userId=" + strings.Repeat("%61", 5000)
	}),
	requests("8,000 channels in a stream's URL", "D13", 2*time.Millisecond, func(int) string {
		return "/sse?userId=u&channels=" + strings.Repeat("a,", 7500)
	}),
	requests("a list of names in as", "C05", time.Millisecond, func(int) string {
		return "/sse?userId=u&as=" + strings.Repeat("a,", 7500)
	}),
	requests("a cookie of 15 KB", "C02", time.Millisecond, func(int) string {
		return "/sse?userId=u HTTP/1.1\r\nCookie: " + strings.Repeat("auth_token=a; ", 1000) + "\r\nX:"
	}),
	requests("cursors that the server does not know", "C05", 2*time.Millisecond, func(i int) string {
		cursors := []string{
			strings.Repeat("9", 15_000), "-1", "00000000-1", "0", "ffffffff-9999999999999999",
			"%00%ff", strings.Repeat("a-", 7000), "1e309",
		}
		return "/sse?userId=u&lastEventId=" + cursors[i%len(cursors)]
	}),
	requests("preflights", "C03", time.Millisecond, func(int) string {
		return "/sse HTTP/1.1\r\nOrigin: https://evil.example\r\n" +
			"Access-Control-Request-Headers: " + strings.Repeat("x,", 5000) + "\r\nX:"
	}),
}

const pollPath = "/socket.io/?EIO=4&transport=polling"

// requests is an attack by GET requests, one at a time on each of four connections, each closed
// after the head of its answer.
func requests(name, row string, most time.Duration, path func(i int) string) Attack {
	return Attack{
		Name: "requests with " + name, Row: row,
		// Without the limit most requests would be refused before the server reads the query. The
		// sessions that remain take memory, which is another attack.
		Settings: []string{"MAX_CONNECTIONS=100000"},
		Figure:   Figure{PerRequest: most},
		Run: func(ctx context.Context, t *target) error {
			ctx, cancel := context.WithTimeout(ctx, t.hold(6*time.Second))
			defer cancel()
			each(4, 4, func(worker int) {
				for i := worker; ctx.Err() == nil; i += 4 {
					t.requests.Add(1)
					conn, _, err := t.stream(ctx, worker, path(i))
					if err == nil {
						_ = conn.Close()
						t.did.add("200")
					} else if ctx.Err() == nil {
						t.did.add(outcome(err))
					}
					wait(ctx, 2*time.Millisecond) // leave the others some of the cores
				}
			})
			return nil
		},
	}
}
