package server

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// The server closes the connection of an address that has been idle for the longest time when the
// address has more than 100, and still answers on the others.
func TestManyIdleConnections(t *testing.T) {
	t.Parallel()
	s := New(newParts(t))
	at := listening(t, s)
	open := func() (net.Conn, *bufio.Reader) {
		conn, err := net.DialTimeout("tcp", at, servertest.Patience)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(servertest.Patience))
		r := bufio.NewReader(conn)
		request(t, conn, r)
		return conn, r
	}
	_, oldest := open()
	ended := make(chan error, 1)
	go func() {
		_, err := oldest.ReadByte()
		ended <- err
	}()
	for deadline := time.Now().Add(servertest.Patience); ; {
		open()
		select {
		case err := <-ended:
			if err != io.EOF {
				t.Errorf("the oldest connection ends with %v", err)
			}
			return
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("the oldest connection is still open")
		}
	}
}

// request sends a request on a connection and reads the answer.
func request(t *testing.T, conn net.Conn, r *bufio.Reader) {
	t.Helper()
	if _, err := io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Error(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
}
