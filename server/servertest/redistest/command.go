package redistest

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// Error is an error that the server replies.
type Error string

func (e Error) Error() string { return string(e) }

// Do sends a command on a connection of its own, as the default user, and returns the reply: a
// string, an int64, nil, or a []any of those.
func (s *Server) Do(t testing.TB, args ...string) any {
	t.Helper()
	reply, err := s.ask(args...)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return reply
}

// Try is Do with an error in place of a failure. An [Error] is the server's; it can also be in a
// reply that is an array.
func (s *Server) Try(args ...string) (any, error) {
	conn, err := s.dial()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(servertest.Patience))
	var request strings.Builder
	replies := 1
	if s.o.Password != "" {
		replies++
		writeCommand(&request, "AUTH", s.o.Password)
	}
	writeCommand(&request, args...)
	if _, err := io.WriteString(conn, request.String()); err != nil {
		return nil, err
	}
	from := bufio.NewReader(conn)
	var reply any
	for range replies {
		if reply, err = readReply(from); err != nil {
			return nil, err
		}
	}
	return reply, nil
}

// Info returns a field of INFO, or "".
func (s *Server) Info(t testing.TB, field string) string {
	t.Helper()
	for line := range strings.Lines(s.Do(t, "INFO").(string)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && name == field {
			return value
		}
	}
	return ""
}

func (s *Server) dial() (net.Conn, error) {
	dialer := net.Dialer{Timeout: servertest.Patience}
	if s.tls == nil {
		return dialer.Dial("tcp", s.Addr())
	}
	return tls.DialWithDialer(&dialer, "tcp", s.Addr(), &tls.Config{RootCAs: s.tls.roots})
}

// writeCommand writes an array of bulk strings.
func writeCommand(to *strings.Builder, args ...string) {
	fmt.Fprintf(to, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(to, "$%d\r\n%s\r\n", len(arg), arg)
	}
}

// readReply reads a reply of RESP2.
func readReply(from *bufio.Reader) (any, error) {
	line, err := from.ReadString('\n')
	if err != nil {
		return nil, err
	}
	if len(line) < 3 {
		return nil, errors.New("an empty line")
	}
	kind, rest := line[0], line[1:len(line)-2]
	switch kind {
	case '+':
		return rest, nil
	case '-':
		return Error(rest), nil
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	if err != nil {
		return nil, err
	}
	switch {
	case kind == ':':
		return n, nil
	case n < 0:
		return nil, nil
	case kind == '$':
		text := make([]byte, n+2)
		_, err := io.ReadFull(from, text)
		return string(text[:n]), err
	case kind == '*':
		list := make([]any, n)
		for i := range list {
			if list[i], err = readReply(from); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return nil, fmt.Errorf("an unknown reply: %q", line)
}
