//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// A deaf client costs at most 16 KB, and one that polls 8 KB more, because net/http keeps the buffers
// and the stack of its connection; the history and what the collector has not freed come on top.
const (
	deafClients    = 1000
	deafGrowth     = deafClients*16<<10 + 48<<20
	deafPollGrowth = deafClients*24<<10 + 48<<20
)

var deafSettings = []string{"HISTORY_MAX_BYTES=16MiB"}

// deafAttacks connect and never read.
var deafAttacks = []Attack{
	{
		Name: "1,000 deaf EventSource streams", Row: "issue 3, D03, N02", Settings: deafSettings,
		Figure: Figure{Growth: deafGrowth}, Run: deafStreams,
	},
	{
		Name: "1,000 deaf websockets", Row: "issue 3, D03", Settings: deafSettings,
		Figure: Figure{Growth: deafGrowth}, Run: deafSockets,
	},
	{
		Name: "1,000 deaf polling clients", Row: "issue 3, D03", Settings: deafSettings,
		Figure: Figure{Growth: deafPollGrowth}, Run: deafPolls,
	},
	{
		Name: "1,000 deaf clients of a room with events of 250 KB", Row: "issue 3",
		Settings: deafSettings, Figure: Figure{Growth: deafGrowth}, Run: deafToLarge,
	},
	{
		Name: "1,000 websockets ask for replies that they do not read", Row: "D03, D15",
		Figure: Figure{Growth: deafGrowth}, Run: deafToReplies,
	},
	{
		Name: "5,000 slow readers and a publish storm, with GOMEMLIMIT=160MiB", Row: "D18",
		Settings: []string{"GOMEMLIMIT=160MiB", "MAX_CONNECTIONS=100000"},
		Figure: Figure{Peak: 200 << 20, Others: 5 * time.Second, Sheds: true,
			Promise: "publishes are accepted again"},
		Run: slowReadersInAStorm,
	},
	{
		Name: "1,000 idle websockets whose query has 15 KB", Row: "issue 3",
		Figure: Figure{Growth: deafClients*32<<10 + 32<<20}, Run: longQueries,
	},
}

func deafStreams(ctx context.Context, t *target) error {
	return deaf(ctx, t, 30_000, 20, deafStream)
}

func deafSockets(ctx context.Context, t *target) error {
	return deaf(ctx, t, 30_000, 20, deafSocket)
}

func deafPolls(ctx context.Context, t *target) error {
	return deaf(ctx, t, 30_000, 20, deafPoll)
}

func deafToLarge(ctx context.Context, t *target) error {
	join := func(ctx context.Context, t *target, i int) (io.ReadCloser, error) {
		return []joinFunc{deafStream, deafSocket, deafPoll}[i%3](ctx, t, i)
	}
	return deaf(ctx, t, 250_000, 2, join)
}

// joinFunc connects client i, which joins the channel "deaf".
type joinFunc func(ctx context.Context, t *target, i int) (io.ReadCloser, error)

// deaf connects clients that do not read, and publishes messages of this size to them, so many a
// second.
func deaf(ctx context.Context, t *target, size, rate int, join joinFunc) error {
	each(t.n(deafClients), 50, func(i int) {
		conn, err := join(ctx, t, i)
		if err != nil {
			t.did.add(outcome(err))
			return
		}
		t.did.add("joined")
		context.AfterFunc(ctx, func() { _ = conn.Close() })
	})
	data := `"` + strings.Repeat("x", size) + `"`
	ctx, cancel := context.WithTimeout(ctx, t.hold(20*time.Second))
	defer cancel()
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for ctx.Err() == nil {
		if r, err := t.publish(ctx, "deaf", data); ctx.Err() == nil {
			t.count(r, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// small makes the kernel buffer little on this side.
func small(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4 << 10)
	}
}

func deafStream(ctx context.Context, t *target, i int) (io.ReadCloser, error) {
	conn, _, err := t.stream(ctx, i%8, fmt.Sprintf("/sse?userId=deaf%d&channels=deaf", i))
	if err == nil {
		small(conn)
	}
	return conn, err
}

func deafSocket(ctx context.Context, t *target, i int) (io.ReadCloser, error) {
	s, _, err := t.connect(ctx, i%8, fmt.Sprintf(`{"userId":"deaf%d","channels":["deaf"]}`, i))
	if err == nil {
		small(s.Conn)
	}
	return s, err
}

// deafPoll connects by polling and leaves the answer to its next poll unread.
func deafPoll(ctx context.Context, t *target, i int) (io.ReadCloser, error) {
	conn, err := t.dial(ctx, i%8)
	if err != nil {
		return nil, err
	}
	p, err := t.poll(conn)
	if err == nil {
		err = p.post(fmt.Sprintf(`40{"userId":"deaf%d","channels":["deaf"]}`, i))
	}
	if err == nil {
		small(conn)
		_, err = io.WriteString(conn, t.get(p.path)) // connected
	}
	if err == nil {
		_, err = p.answer()
	}
	if err == nil {
		_, err = io.WriteString(conn, t.get(p.path))
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// deafToReplies pings without reading the answers.
func deafToReplies(ctx context.Context, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, t.hold(20*time.Second))
	defer cancel()
	name := strings.Repeat("r", 199)
	each(t.n(deafClients), t.n(deafClients), func(i int) {
		s, _, err := t.connect(ctx, i%8, fmt.Sprintf(`{"userId":"deaf%d"}`, i))
		if err != nil {
			t.did.add(outcome(err))
			return
		}
		small(s.Conn)
		defer s.Close()
		for j := 0; ctx.Err() == nil; j++ {
			text := fmt.Sprintf(`42%d["unsubscribe",{"channels":[%q]}]`, j, name)
			if err := s.text(text); err != nil {
				t.did.end(endingOf(err))
				return
			}
			wait(ctx, 100*time.Millisecond)
		}
		t.did.end(ending{open: true})
	})
	return nil
}

// slowReadersInAStorm connects clients that read 1 KB a second, and publishes as fast as it can.
func slowReadersInAStorm(ctx context.Context, t *target) error {
	storm, cancel := context.WithTimeout(ctx, t.hold(40*time.Second))
	defer cancel()
	each(t.n(5000), 50, func(i int) {
		kind := []joinFunc{deafStream, deafSocket}[i%2]
		conn, err := kind(storm, t, i)
		if err != nil {
			t.did.add(outcome(err))
			return
		}
		t.did.add("joined")
		go func() {
			defer conn.Close()
			for b := make([]byte, 1<<10); storm.Err() == nil; wait(storm, time.Second) {
				if _, err := conn.Read(b); err != nil {
					return
				}
			}
		}()
	})
	data := `"` + strings.Repeat("x", 30_000) + `"`
	t.repeat(storm, 8, func(int) (reply, error) { return t.publish(storm, "deaf", data) })
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); wait(ctx, time.Second) {
		if r, err := t.publish(ctx, "deaf", data); err == nil && r.status == http.StatusOK {
			return nil
		}
	}
	t.broken("no publish is accepted 30 s after the storm")
	return nil
}

// longQueries connects clients with a query that nobody reads.
func longQueries(ctx context.Context, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, t.hold(15*time.Second))
	defer cancel()
	query := "&x=" + strings.Repeat("x", 15_000)
	each(t.n(deafClients), 50, func(i int) {
		s, err := t.websocketWith(ctx, i%8, query)
		if err == nil {
			err = s.text(fmt.Sprintf(`40{"userId":"u%d"}`, i))
		}
		if err != nil {
			t.did.add(outcome(err))
			return
		}
		t.did.add("connected")
		context.AfterFunc(ctx, func() { _ = s.Close() })
	})
	<-ctx.Done()
	return nil
}
