package server

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/servertest"
)

// The first frames of an HTTP/2 connection tell the client how many requests and how many bytes of
// their bodies it may send (RFC 9113, sections 6.5.2 and 6.9).
func TestHTTP2Limits(t *testing.T) {
	t.Parallel()
	conn := openHTTP2(t, http.NotFoundHandler())
	settings := map[uint16]uint32{}
	window := uint32(65535) // of the connection; a WINDOW_UPDATE raises it
	for window == 65535 {
		kind, payload := readHTTP2Frame(t, conn)
		switch kind {
		case 4: // SETTINGS, or their acknowledgement, which is empty
			for ; len(payload) >= 6; payload = payload[6:] {
				settings[binary.BigEndian.Uint16(payload)] = binary.BigEndian.Uint32(payload[2:])
			}
		case 8: // WINDOW_UPDATE
			window += binary.BigEndian.Uint32(payload)
		}
	}
	for name, c := range map[string]struct{ got, want uint32 }{
		"SETTINGS_MAX_CONCURRENT_STREAMS": {settings[3], 100},
		"SETTINGS_INITIAL_WINDOW_SIZE":    {settings[4], 64 << 10},
		"window of the connection":        {window, 256 << 10},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %d, want %d", name, c.got, c.want)
		}
	}
}

func readHTTP2Frame(t *testing.T, r io.Reader) (kind byte, payload []byte) {
	t.Helper()
	var head [9]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		t.Fatal(err)
	}
	payload = make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	if _, err := io.ReadFull(r, payload); err != nil {
		t.Fatal(err)
	}
	return head[3], payload
}

// serveHTTP2 serves TLS, and returns the server, its address and how to connect to it.
func serveHTTP2(t *testing.T, h http.Handler) (s *http.Server, address string, config *tls.Config) {
	t.Helper()
	certFile, keyFile, pool := writeCertificate(t)
	l, err := listenTCP(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var pair certificate
	if err := pair.load(certFile, keyFile); err != nil {
		t.Fatal(err)
	}
	s = newHTTPServer(h, zap.NewNop())
	done := make(chan error, 1)
	go func() { done <- serveTLS(s, l, pair.config()) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return s, l.Addr().String(), &tls.Config{RootCAs: pool, NextProtos: []string{"h2"}}
}

// openHTTP2 returns a connection that has sent its preface and empty SETTINGS.
func openHTTP2(t *testing.T, h http.Handler) *tls.Conn {
	t.Helper()
	_, address, config := serveHTTP2(t, h)
	return dialHTTP2(t, address, config)
}

func dialHTTP2(t *testing.T, address string, config *tls.Config) *tls.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(servertest.Patience))
	if _, err := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+http2Frame(4, 0, 0, "")); err != nil {
		t.Fatal(err)
	}
	return conn
}

func http2Frame(kind, flags byte, stream int, payload string) string {
	n := len(payload)
	head := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}
	return string(binary.BigEndian.AppendUint32(head, uint32(stream))) + payload
}

// Shutdown says GOAWAY (RFC 9113, section 6.8) to clients with open requests and to idle ones, so that
// they send their next request on another connection.
func TestHTTP2Shutdown(t *testing.T) {
	t.Parallel()
	begun, end := make(chan struct{}), make(chan struct{})
	s, address, config := serveHTTP2(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(begun)
		<-end
	}))
	busy, idle := dialHTTP2(t, address, config), dialHTTP2(t, address, config)
	if _, err := io.WriteString(busy, http2Frame(1, 5, 1, "\x82\x87\x84\x41\x01h")); err != nil { // GET
		t.Fatal(err)
	}
	<-begun
	untilHTTP2Frame(t, idle, 4) // SETTINGS: the server has the connection
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(t.Context()) }()
	untilHTTP2Frame(t, busy, 7)
	untilHTTP2Frame(t, idle, 7)
	close(end)
	untilHTTP2Frame(t, busy, 1) // the answer
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// untilHTTP2Frame reads up to a frame of a kind.
func untilHTTP2Frame(t *testing.T, r io.Reader, want byte) {
	t.Helper()
	for {
		if kind, _ := readHTTP2Frame(t, r); kind == want {
			return
		}
	}
}

// A client that sends frames without end which ask for nothing is cut, although it reads all answers.
func TestHTTP2Floods(t *testing.T) {
	t.Parallel()
	// HEADERS of GET and POST with indexed fields, RFC 7541 appendix A: :method, :scheme, :path.
	const get, post = "\x82\x87\x84\x41\x01h", "\x83\x87\x84\x41\x01h"
	after := func(first, rest string) func(int) string {
		return func(i int) string {
			if i == 0 {
				return first
			}
			return rest
		}
	}
	for name, f := range map[string]func(i int) string{
		"PING":                     func(int) string { return http2Frame(6, 0, 0, "12345678") },
		"SETTINGS":                 func(int) string { return http2Frame(4, 0, 0, "") },
		"WINDOW_UPDATE":            func(int) string { return http2Frame(8, 0, 0, "\x00\x00\x00\x01") },
		"PRIORITY":                 func(int) string { return http2Frame(2, 0, 1, "\x00\x00\x00\x00\x01") },
		"unknown":                  func(int) string { return http2Frame(0x42, 0, 0, "") },
		"empty DATA":               after(http2Frame(1, 4, 1, post), http2Frame(0, 0, 1, "")),
		"DATA after the end":       after(http2Frame(1, 5, 1, post), http2Frame(0, 0, 1, "0123456789abcdef")),
		"END_STREAM after the end": after(http2Frame(1, 5, 1, post), http2Frame(0, 1, 1, "")),
		"padding":                  after(http2Frame(1, 4, 1, post), http2Frame(0, 8, 1, "\xff"+strings.Repeat("\x00", 255))),
		"RST_STREAM": func(i int) string {
			return http2Frame(1, 5, 2*i+1, get) + http2Frame(3, 0, 2*i+1, "\x00\x00\x00\x08")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := openHTTP2(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				<-r.Context().Done() // as a stream
			}))
			cut := make(chan error, 1)
			go func() {
				_, err := io.Copy(io.Discard, conn)
				cut <- err
			}()
			for i := 0; ; i++ {
				if _, err := io.WriteString(conn, f(i)); err != nil {
					break
				}
			}
			if err := <-cut; errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection is open")
			}
		})
	}
}

// A client of the standard library reads many small events, and begins and leaves many streams.
func TestHTTP2ClientsAreNotCut(t *testing.T) {
	t.Parallel()
	const events, requests = 5000, 1000
	_, address, config := serveHTTP2(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || r.ProtoMajor != 2 {
			t.Errorf("%s, TLS %v", r.Proto, r.TLS)
		}
		for range events {
			if _, err := io.WriteString(w, "data: 1\n\n"); err != nil {
				return
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				return
			}
		}
	}))
	connections := atomic.Int64{}
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: config}
	transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		connections.Add(1)
		return (&tls.Dialer{Config: config}).DialContext(ctx, network, address)
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: servertest.Patience}
	for i := range requests {
		res, err := client.Get("https://" + address)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			n, err := io.Copy(io.Discard, res.Body)
			if err != nil || n != events*9 {
				t.Errorf("%d bytes, %v", n, err)
			}
		}
		_ = res.Body.Close() // with RST_STREAM, before the end
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}
