//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// First bytes of websocket frames, RFC 6455 section 5.2.
const (
	finText      = 0x81
	finBinary    = 0x82
	finClose     = 0x88
	finPing      = 0x89
	finPong      = 0x8a
	firstText    = 0x01 // without FIN
	continuation = 0x00
	fin          = 0x80
)

// socket is a websocket of Engine.IO, with no rules of its own: it sends whatever an attack wants.
type socket struct {
	net.Conn
	r      *bufio.Reader
	opened time.Time
}

// dial opens a connection from 127.0.0.1 for source 0, from 127.0.0.2 for 1, and so on, for as long
// as ctx lives. A reset at the close leaves no port in TIME_WAIT.
func (t *target) dial(ctx context.Context, source int) (net.Conn, error) {
	d := net.Dialer{
		LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+source))},
		Timeout:   10 * time.Second, KeepAlive: -1,
	}
	conn, err := d.DialContext(ctx, "tcp", t.addr)
	if err != nil {
		return nil, err
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	if end, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(end)
	}
	if t.secure {
		return t.handshake(ctx, conn, "http/1.1")
	}
	return conn, nil
}

// dialed calls f with a connection that it closes afterwards, or notes why there is none.
func (t *target) dialed(ctx context.Context, source int, f func(conn net.Conn)) {
	conn, err := t.dial(ctx, source)
	if err != nil {
		t.did.add(outcome(err))
		return
	}
	defer conn.Close()
	f(conn)
}

// refused is the error of a handshake that the server answered with another status.
type refused struct{ status int }

func (r refused) Error() string { return fmt.Sprintf("refused %d", r.status) }

// connectError is the error of a CONNECT that the server answered with CONNECT_ERROR.
type connectError string

func (c connectError) Error() string {
	_, code, found := strings.Cut(string(c), `"code":"`)
	if !found {
		return fmt.Sprintf("CONNECT: %.80s", string(c))
	}
	code, _, _ = strings.Cut(code, `"`)
	return "connect_error " + code
}

// websocket opens an Engine.IO session over websocket and reads its OPEN packet.
func (t *target) websocket(ctx context.Context, source int) (*socket, error) {
	return t.websocketWith(ctx, source, "")
}

// websocketWith is websocket with more parameters in the query.
func (t *target) websocketWith(ctx context.Context, source int, query string) (*socket, error) {
	conn, err := t.dial(ctx, source)
	if err != nil {
		return nil, err
	}
	s := &socket{conn, bufio.NewReader(conn), time.Now()}
	if err := s.upgrade(t.addr, query); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *socket) upgrade(host, query string) error {
	_, err := fmt.Fprintf(s, "GET /socket.io/?EIO=4&transport=websocket%s HTTP/1.1\r\nHost: %s\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: cm9vbWNhc3QtYmVuY2gtMQ==\r\n\r\n", query, host)
	if err != nil {
		return err
	}
	response, err := http.ReadResponse(s.r, nil)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		return refused{response.StatusCode}
	}
	_, err = s.await("0{")
	return err
}

// connect opens a session and connects to the namespace / with these data of a CONNECT. It returns
// the data of the answer too.
func (t *target) connect(ctx context.Context, source int, auth string) (*socket, string, error) {
	s, err := t.websocket(ctx, source)
	if err != nil {
		return nil, "", err
	}
	answer := ""
	if err = s.text("40" + auth); err == nil {
		answer, err = s.await("4")
	}
	if err == nil && !strings.HasPrefix(answer, "40") {
		err = connectError(answer)
	}
	if err != nil {
		_ = s.Close()
		return nil, "", err
	}
	return s, strings.TrimPrefix(answer, "40"), nil
}

// watched takes the result of opening a session: it calls send while it watches how the session ends,
// which it notes.
func (t *target) watched(s *socket, err error, send func(s *socket)) {
	if err != nil {
		t.did.add(outcome(err))
		return
	}
	defer s.Close()
	go send(s)
	t.did.end(s.watch())
}

func (s *socket) text(message string) error {
	_, err := s.Write(frame(finText, []byte(message)))
	return err
}

// await reads messages until one begins with start, and returns it. It answers pings.
func (s *socket) await(start string) (string, error) {
	for {
		first, payload, err := s.read()
		switch {
		case err != nil:
			return "", err
		case first == finClose:
			return "", closeError(payload)
		case string(payload) == "2":
			if err := s.text("3"); err != nil {
				return "", err
			}
		case strings.HasPrefix(string(payload), start):
			return string(payload), nil
		}
	}
}

// read reads one frame.
func (s *socket) read() (first byte, payload []byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(s.r, head[:2]); err != nil {
		return 0, nil, err
	}
	first = head[0]
	size := uint64(head[1] & 0x7f)
	switch size {
	case 126:
		_, err = io.ReadFull(s.r, head[:2])
		size = uint64(binary.BigEndian.Uint16(head[:]))
	case 127:
		_, err = io.ReadFull(s.r, head[:8])
		size = binary.BigEndian.Uint64(head[:])
	}
	if err != nil {
		return 0, nil, err
	}
	if size > 64<<20 {
		return 0, nil, fmt.Errorf("a frame of %d bytes", size)
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(s.r, payload)
	return first, payload, err
}

// watch reads, and answers pings, until the connection ends or its deadline passes.
func (s *socket) watch() ending {
	_, err := s.await("\x00") // no message begins so
	e := endingOf(err)
	e.after = time.Since(s.opened)
	return e
}

type closeCode int

func (c closeCode) Error() string { return fmt.Sprintf("closed %d", int(c)) }

func closeError(payload []byte) error {
	if len(payload) < 2 {
		return closeCode(1005)
	}
	return closeCode(binary.BigEndian.Uint16(payload))
}

// endingOf returns how a connection ended whose use failed with err.
func endingOf(err error) ending {
	var code closeCode
	var op *net.OpError
	switch {
	case err == nil, errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return ending{open: true}
	case errors.As(err, &code):
		return ending{code: int(code)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ending{err: "EOF"}
	case errors.As(err, &op):
		return ending{err: "reset"}
	}
	return ending{err: err.Error()}
}

// outcome names how an attempt to connect failed, as the table shows it.
func outcome(err error) string {
	var status refused
	var code connectError
	if errors.As(err, &status) || errors.As(err, &code) {
		return err.Error()
	}
	return endingOf(err).String()
}

// frame makes a frame of a client. The key of its mask is zero, which leaves the bytes as they are.
func frame(first byte, payload []byte) []byte {
	f := []byte{first, 0x80}
	switch n := len(payload); {
	case n < 126:
		f[1] |= byte(n)
	case n < 1<<16:
		f[1] |= 126
		f = binary.BigEndian.AppendUint16(f, uint16(n))
	default:
		f[1] |= 127
		f = binary.BigEndian.AppendUint64(f, uint64(n))
	}
	f = append(f, 0, 0, 0, 0)
	return append(f, payload...)
}
