//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// polling is a session of Engine.IO over polling, on one connection.
type polling struct {
	net.Conn
	t    *target
	r    *bufio.Reader
	path string // with the session's id
}

// poll opens a session.
func (t *target) poll(conn net.Conn) (*polling, error) {
	p := &polling{conn, t, bufio.NewReaderSize(conn, 1024), "/socket.io/?EIO=4&transport=polling"}
	if _, err := io.WriteString(conn, t.get(p.path)); err != nil {
		return nil, err
	}
	text, err := p.answer()
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(text, `"sid":"`)
	sid, _, ok := strings.Cut(rest, `"`)
	if !ok {
		return nil, fmt.Errorf("no sid in %q", text)
	}
	p.path += "&sid=" + sid
	return p, nil
}

// polled is dialed with a session over polling.
func (t *target) polled(ctx context.Context, source int, f func(p *polling)) {
	t.dialed(ctx, source, func(conn net.Conn) {
		p, err := t.poll(conn)
		if err != nil {
			t.did.add(outcome(err))
			return
		}
		f(p)
	})
}

// begin sends the start of a payload of a length.
func (p *polling) begin(length int, start string) error {
	_, err := fmt.Fprintf(p, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\n"+
		"Content-Length: %d\r\n\r\n%s", p.path, p.t.addr, length, start)
	return err
}

// post sends a payload.
func (p *polling) post(payload string) error {
	err := p.begin(len(payload), payload)
	if err == nil {
		_, err = p.answer()
	}
	return err
}

// answer reads one answer.
func (p *polling) answer() (string, error) {
	response, err := http.ReadResponse(p.r, nil)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = refused{response.StatusCode}
	}
	return string(body), err
}
