//go:build linux

package bare

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t *testing.T, kind string) (address string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, kind, writer) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if _, err := fmt.Fscanf(reader, "listening on http://%s\n", &address); err != nil {
		t.Fatal(err)
	}
	return address
}

// dial connects a client and reads the head of the response.
func dial(t *testing.T, address, request string) (net.Conn, *bufio.Reader, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	return conn, reader, response
}

func post(t *testing.T, url, body string) int {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	client := http.Client{Transport: transport, Timeout: 20 * time.Second}
	response, err := client.Post(url, "text/plain", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func expect(t *testing.T, from io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(from, got); err != nil || string(got) != want {
		t.Errorf("received %q, %v, want %q", got, err, want)
	}
}

// The key and its answer are those of RFC 6455, section 1.3.
const handshake = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

func TestBytesOfWebSocketClients(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300)
	for _, kind := range []string{"gorilla", "epoll"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			address := serve(t, kind)
			leaves, leaver, _ := dial(t, address, handshake)
			expect(t, leaver, "\x81\x07welcome")
			leaves.Close()
			_, reader, response := dial(t, address, handshake)
			accept := response.Header.Get("Sec-WebSocket-Accept")
			if response.StatusCode != 101 || accept != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
				t.Fatalf("%s, accept %q", response.Status, accept)
			}
			expect(t, reader, "\x81\x07welcome")
			status := post(t, "http://"+address+"/publish", "hello")
			if status != http.StatusNoContent {
				t.Errorf("status %d", status)
			}
			expect(t, reader, "\x81\x05hello")
			post(t, "http://"+address+"/publish?n=2", long)
			expect(t, reader, "\x81\x7e\x01\x2c"+long+"\x81\x7e\x01\x2c"+long)
		})
	}
}

func TestBytesOfStreams(t *testing.T) {
	t.Parallel()
	address := serve(t, "hijack")
	leaves, _, _ := dial(t, address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	leaves.Close()
	_, _, response := dial(t, address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	kind := response.Header.Get("Content-Type")
	if response.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("%s, %s", response.Status, kind)
	}
	expect(t, response.Body, ":\n\n")
	post(t, "http://"+address+"/publish?n=2", "data: 1\n\n")
	expect(t, response.Body, "data: 1\n\ndata: 1\n\n")
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	err := Serve(t.Context(), "tornado", io.Discard)
	if !strings.HasPrefix(fmt.Sprint(err), `kind "tornado"`) {
		t.Errorf("an unknown kind: %v", err)
	}
	for _, kind := range Kinds {
		address := serve(t, kind)
		if got := post(t, "http://"+address+"/publish?n=many", ""); got != http.StatusBadRequest {
			t.Errorf("%s: a number that is none got %d", kind, got)
		}
		if got := post(t, "http://"+address+"/other", ""); got != http.StatusNotFound {
			t.Errorf("%s: another path got %d", kind, got)
		}
	}
}
