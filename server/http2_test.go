package server

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net/http"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/servertest"
)

// The first frames of an HTTP/2 connection tell the client how many requests and how many bytes of
// their bodies it may send (RFC 9113, sections 6.5.2 and 6.9).
func TestHTTP2Limits(t *testing.T) {
	t.Parallel()
	certFile, keyFile, pool := writeCertificate(t)
	l, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var pair certificate
	if err := pair.load(certFile, keyFile); err != nil {
		t.Fatal(err)
	}
	s := newHTTPServer(http.NotFoundHandler(), zap.NewNop())
	done := make(chan error, 1)
	go func() { done <- serveTLS(s, l, &pair) }()
	defer func() { _ = s.Close(); <-done }()

	conn, err := tls.Dial("tcp", l.Addr().String(),
		&tls.Config{RootCAs: pool, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(servertest.Patience))
	const empty = "\x00\x00\x00\x04\x00\x00\x00\x00\x00" // SETTINGS
	if _, err := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+empty); err != nil {
		t.Fatal(err)
	}
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
