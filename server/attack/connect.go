//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// silentLife is the longest life of a client without CONNECT: SOCKETIO_CONNECT_TIMEOUT, up to a second
// until the server looks for such clients, and what this program notices late.
const silentLife = 11*time.Second + 500*time.Millisecond

// connectAttacks happen before a client has connected to a namespace.
var connectAttacks = []Attack{
	{
		Name: "1 MB before CONNECT over websocket, 500 clients", Row: "issue 5",
		Figure: Figure{Growth: 500*16<<10 + 16<<20, Closed: silentLife}, Run: megabyteFirst,
	},
	{
		Name: "1 MB in fragments before CONNECT, not finished, 500 clients", Row: "issue 5",
		Figure: Figure{Growth: 500*16<<10 + 16<<20, Closed: silentLife}, Run: megabyteInParts,
	},
	{
		Name: "1 MB before CONNECT over polling, 500 clients", Row: "issue 5",
		Figure: Figure{Growth: 500*16<<10 + 16<<20}, Run: megabytePolled,
	},
	{
		Name: "900 KB of a message that does not end, 500 clients", Row: "D05",
		Figure: Figure{Growth: 160 << 20}, Run: megabyteAfter,
	},
	{
		Name: "250 KB of a body that does not end to streams, 1,000 requests", Row: "B08",
		Figure: Figure{Growth: 128 << 20}, Run: bodiesToStreams,
	},
	{
		Name: "2,000 websockets without CONNECT", Row: "D11",
		Figure: Figure{Growth: 32 << 20, Closed: silentLife, Promise: "users connect < 100 ms"},
		Run:    silentCrowd,
	},
	{
		Name: "2,000 polling sessions without CONNECT", Row: "D11",
		Figure: Figure{Growth: 32 << 20, Promise: "users connect < 100 ms"}, Run: silentPolls,
	},
	{
		Name: "CONNECT refused again and again, 10 clients", Row: "A16, D12",
		Figure: Figure{Growth: 16 << 20, CPU: 0.5}, Run: refusedConnects,
	},
}

func megabyteFirst(ctx context.Context, t *target) error {
	return beforeConnect(ctx, t, func(s *socket) error {
		return s.text("4" + strings.Repeat("x", 999_000))
	})
}

func megabyteInParts(ctx context.Context, t *target) error {
	return beforeConnect(ctx, t, (*socket).sendParts)
}

// sendParts sends 900 KB of a message that does not end.
func (s *socket) sendParts() error {
	_, err := s.Write(frame(firstText, []byte(`42["x","`)))
	part := frame(continuation, bytes.Repeat([]byte("x"), 8<<10))
	for sent := 0; err == nil && sent < 900_000; sent += 8 << 10 {
		_, err = s.Write(part)
	}
	return err
}

func megabyteAfter(ctx context.Context, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	n := t.n(500)
	each(n, n, func(i int) {
		s, _, err := t.connect(ctx, i%8, fmt.Sprintf(`{"userId":"u%d"}`, i))
		t.watched(s, err, func(s *socket) { _ = s.sendParts() })
	})
	return nil
}

// bodiesToStreams posts messages from streams of its own, each without its last byte.
func bodiesToStreams(ctx context.Context, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	const postsOfOne = 20
	body := `{"room":"x","message":"` + strings.Repeat("x", 250_000)
	each(t.n(50), 50, func(i int) {
		user := fmt.Sprintf("u%d", i)
		stream, r, err := t.stream(ctx, i%8, "/sse?channels=x&userId="+user)
		if err != nil {
			t.did.add(outcome(err))
			return
		}
		defer stream.Close()
		id, err := clientID(r)
		if err != nil {
			t.did.add(outcome(err))
			return
		}
		each(postsOfOne, postsOfOne, func(int) {
			t.dialed(ctx, i%8, func(conn net.Conn) {
				_, err := fmt.Fprintf(conn, "POST /sse/%s/messages?userId=%s HTTP/1.1\r\n"+
					"Host: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
					id, user, t.addr, len(body)+3, body)
				if err != nil {
					t.did.add(outcome(err))
					return
				}
				t.did.answered(bufio.NewReader(conn))
			})
		})
	})
	return nil
}

// clientID reads the id of a stream from its first event.
func clientID(r *bufio.Reader) (string, error) {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		if _, rest, found := strings.Cut(line, `"clientId":"`); found {
			id, _, _ := strings.Cut(rest, `"`)
			return id, nil
		}
	}
}

// beforeConnect opens websockets that send something and no CONNECT.
func beforeConnect(ctx context.Context, t *target, send func(s *socket) error) error {
	ctx, cancel := context.WithTimeout(ctx, 13*time.Second)
	defer cancel()
	n := t.n(500)
	each(n, n, func(i int) {
		s, err := t.websocket(ctx, i%8)
		t.watched(s, err, func(s *socket) { _ = send(s) })
	})
	return nil
}

func megabytePolled(ctx context.Context, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, 13*time.Second)
	defer cancel()
	n := t.n(500)
	each(n, n, func(i int) {
		t.polled(ctx, i%8, func(p *polling) {
			// The last byte of the body is missing, so that the server has to keep the rest.
			err := p.begin(999_001, "4"+strings.Repeat("x", 998_999))
			if err == nil {
				_, err = p.answer()
			}
			if status, ok := errors.AsType[refused](err); ok {
				t.did.add(status.Error())
				return
			}
			t.did.end(endingOf(err))
		})
	})
	return nil
}

func silentCrowd(ctx context.Context, t *target) error {
	return silent(ctx, t, func(ctx context.Context, i int) {
		s, err := t.websocket(ctx, i%8)
		t.watched(s, err, func(*socket) {})
	})
}

func silentPolls(ctx context.Context, t *target) error {
	return silent(ctx, t, func(ctx context.Context, i int) {
		t.polled(ctx, i%8, func(*polling) {
			t.did.add("session")
			<-ctx.Done()
		})
	})
}

// silent opens sessions that do not connect, while a user connects again and again.
func silent(ctx context.Context, t *target, session func(ctx context.Context, i int)) error {
	ctx, cancel := context.WithTimeout(ctx, 13*time.Second)
	defer cancel()
	go userConnects(ctx, t)
	n := t.n(2000)
	each(n, n, func(i int) {
		wait(ctx, time.Duration(i)*time.Millisecond) // a crowd arrives within two seconds
		session(ctx, i)
	})
	return nil
}

// userConnects connects a user five times a second and closes the connection.
func userConnects(ctx context.Context, t *target) {
	const most = 100 * time.Millisecond
	slow, tries := 0, 0
	var longest time.Duration
	for ; ctx.Err() == nil; wait(ctx, 200*time.Millisecond) {
		start := time.Now()
		tries++
		s, _, err := t.connect(ctx, 9, `{"userId":"user"}`)
		if ctx.Err() != nil {
			return
		}
		took := time.Since(start)
		longest = max(longest, took)
		if err != nil {
			t.broken("a user cannot connect: %v", err)
			continue
		}
		_ = s.Close()
		if took > most {
			slow++
			if slow > max(1, tries/100) { // the p99
				t.broken("a user connects in %v", round(longest))
			}
		}
	}
}

// refusedConnects sends CONNECT without credentials, and connects again when the server closes.
func refusedConnects(ctx context.Context, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, t.hold(9*time.Second))
	defer cancel()
	each(10, 10, func(i int) {
		for ctx.Err() == nil {
			s, err := t.websocket(ctx, i%8)
			if err != nil {
				t.did.add(outcome(err))
				wait(ctx, 100*time.Millisecond)
				continue
			}
			go s.flood(ctx, func(int) []byte { return frame(finText, []byte(`40{"token":"x"}`)) })
			t.did.end(s.watch())
			_ = s.Close()
			wait(ctx, time.Second)
		}
	})
	return nil
}
