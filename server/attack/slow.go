//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// slowAttacks send requests byte by byte.
var slowAttacks = []Attack{
	{
		Name: "headers of one byte a second, 500 connections", Row: "D07",
		Figure: Figure{Growth: 16 << 20, Closed: 11 * time.Second}, Run: slowHeaders,
	},
	{
		Name: "bodies of one byte a second to the API, 500 connections", Row: "D07, B08",
		Figure: Figure{Growth: 32 << 20, Closed: 16 * time.Second},
		Run: func(ctx context.Context, t *target) error {
			return slowBodies(ctx, t, "/v1/notifications", "X-API-Key: "+apiKey+"\r\n")
		},
	},
	{
		Name: "bodies of one byte a second to the API without a key, 500 connections", Row: "D07, B08",
		Figure: Figure{Growth: 32 << 20, Closed: 16 * time.Second},
		Run: func(ctx context.Context, t *target) error {
			return slowBodies(ctx, t, "/v1/notifications", "")
		},
	},
	{
		Name: "bodies of one byte a second to streams, 500 connections", Row: "D07",
		Figure: Figure{Growth: 32 << 20, Closed: 16 * time.Second},
		Run: func(ctx context.Context, t *target) error {
			return slowBodies(ctx, t, "/sse/00000000000000000000/messages?userId=u", "")
		},
	},
	{
		Name: "bodies of one byte a second to polling, 500 connections", Row: "D07",
		Figure: Figure{Growth: 32 << 20, Closed: 16 * time.Second}, Run: slowPolls,
	},
	{
		Name: "headers of 16 KB in 1,000 lines, 200 connections", Row: "D07",
		Figure: Figure{Growth: 32 << 20}, Run: manyHeaders,
	},
	{
		Name: "3,000 connections that send nothing to a server with 1,000 open files", Row: "D17",
		Files: 1000, Settings: []string{"MAX_CONNECTIONS=500"},
		Figure: Figure{CPU: 0.2, Others: 2 * time.Second,
			Promise: "users connect during it and within 2 s afterwards"},
		Run: idleConnections,
	},
	{
		Name: "bodies of one byte a second to the upstream, 500 connections", Row: "issue 8",
		Settings: []string{"UPSTREAM_URL=http://" + slowUpstream},
		Figure:   Figure{Growth: 48 << 20, Closed: 61 * time.Second, Promise: "one descriptor each"},
		Run:      slowToUpstream,
	},
}

// trickle sends the bytes of text again and again, one a second, until the connection ends.
func trickle(ctx context.Context, conn net.Conn, text string) {
	for i := 0; ctx.Err() == nil; i++ {
		if _, err := io.WriteString(conn, text[i%len(text):i%len(text)+1]); err != nil {
			return
		}
		wait(ctx, time.Second)
	}
}

// slowly opens connections that send a start and then one byte a second.
func slowly(ctx context.Context, t *target, bound time.Duration, start, bytes string) error {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	n := t.n(500)
	each(n, n, func(i int) {
		t.dialed(ctx, i%8, func(conn net.Conn) {
			if _, err := io.WriteString(conn, start); err != nil {
				t.did.end(endingOf(err))
				return
			}
			go trickle(ctx, conn, bytes)
			t.did.answered(bufio.NewReader(conn))
		})
	})
	return nil
}

// answered notes the status of an answer and how the connection ended.
func (d *tally) answered(r *bufio.Reader) {
	response, err := http.ReadResponse(r, nil)
	if err == nil {
		d.add(statusOf(response.StatusCode))
		_ = response.Body.Close()
		d.end(discard(r))
		return
	}
	d.end(endingOf(err))
}

func slowHeaders(ctx context.Context, t *target) error {
	return slowly(ctx, t, 14*time.Second, "GET /sse?userId=u HTTP/1.1\r\nHost: "+t.addr+"\r\nX: ", "x")
}

func slowBodies(ctx context.Context, t *target, path, header string) error {
	start := "POST " + path + " HTTP/1.1\r\nHost: " + t.addr +
		"\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n" + header + "\r\n[ "
	return slowly(ctx, t, 20*time.Second, start, " ")
}

func slowPolls(ctx context.Context, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	n := t.n(500)
	each(n, n, func(i int) {
		t.polled(ctx, i%8, func(p *polling) {
			if err := p.begin(10_000, "4"); err != nil {
				t.did.end(endingOf(err))
				return
			}
			go trickle(ctx, p, "x")
			t.did.answered(p.r)
		})
	})
	return nil
}

func manyHeaders(ctx context.Context, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, t.hold(9*time.Second))
	defer cancel()
	lines := strings.Repeat("X-Header: 1\r\n", 1000)
	request := "GET /sse?userId=u HTTP/1.1\r\nHost: " + t.addr + "\r\n" + lines + "X: "
	n := t.n(200)
	each(n, n, func(i int) {
		for ; ctx.Err() == nil; wait(ctx, time.Second) {
			conn, err := t.dial(ctx, i%8)
			if err != nil {
				t.did.add(outcome(err))
				continue
			}
			if _, err = io.WriteString(conn, request); err == nil {
				_, err = io.WriteString(conn, strings.Repeat("x", 1<<20)+"\r\n\r\n")
			}
			if err != nil {
				t.did.end(endingOf(err))
			} else {
				t.did.answered(bufio.NewReader(conn))
			}
			_ = conn.Close()
		}
	})
	return nil
}

// idleConnections opens connections from one address, and others when the server closes them.
func idleConnections(ctx context.Context, t *target) error {
	attack, cancel := context.WithTimeout(ctx, t.hold(15*time.Second))
	defer cancel()
	tried, connected := 0, 0
	var users sync.WaitGroup
	users.Go(func() {
		for ; attack.Err() == nil; wait(attack, 500*time.Millisecond) {
			tried++
			try, cancel := context.WithTimeout(attack, 2*time.Second)
			if s, _, err := t.connect(try, 9, `{"userId":"user"}`); err == nil {
				connected++
				_ = s.Close()
			}
			cancel()
		}
	})
	n := t.n(3000)
	each(n, n, func(i int) {
		for attack.Err() == nil {
			conn, err := t.dial(attack, 1)
			if err != nil {
				wait(attack, 100*time.Millisecond)
				continue
			}
			_ = discard(conn)
			_ = conn.Close()
		}
	})
	users.Wait()
	t.did.add(fmt.Sprintf("%d of %d users connected during it", connected, tried))
	if connected < tried/2 {
		t.broken("%d of %d users connected during it", connected, tried)
	}
	try, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	s, _, err := t.connect(try, 9, `{"userId":"user"}`)
	if err != nil {
		t.broken("a user cannot connect 2 s after the end: %v", err)
		return nil
	}
	return s.Close()
}

// openFiles is how many descriptors the server has, 0 if nobody may look.
func openFiles(t *target) int {
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", t.server.Pid()))
	return len(entries)
}

// discard reads an answer to its end, and returns how the connection ended.
func discard(r io.Reader) ending {
	_, err := io.Copy(io.Discard, r)
	if err == nil {
		err = io.EOF
	}
	return endingOf(err)
}

// statusOf names a status as the table shows it.
func statusOf(status int) string { return fmt.Sprintf("%d %s", status, http.StatusText(status)) }
