//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/roomcast/roomcast/server/internal/bare"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a bare server and returns its address.
func serve(t *testing.T, kind string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- bare.Serve(ctx, kind, writer) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	var address string
	if _, err := fmt.Fscanf(reader, "listening on http://%s\n", &address); err != nil {
		t.Fatal(err)
	}
	return address
}

func fleet(t *testing.T, address string, p Protocol) *Fleet {
	t.Helper()
	f, err := New(address, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func publish(address string, n int, body string) []byte {
	const request = "POST /publish?n=%d HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s"
	return fmt.Appendf(nil, request, n, address, len(body), body)
}

func TestRunCountsWhatAllClientsReceive(t *testing.T) {
	t.Parallel()
	const clients = 100
	text := `42["bench","~` + strings.Repeat("x", 180) + `"]`
	for kind, p := range map[string]Protocol{
		"gorilla": &WebSocket{Path: "/", Joined: bare.Welcome, Mark: '~'},
		"epoll":   &WebSocket{Path: "/", Joined: bare.Welcome, Mark: '~'},
		"hijack":  &EventSource{Path: "/", Mark: '~'},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			address := serve(t, kind)
			f := fleet(t, address, p)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			if err := f.Join(ctx, clients); err != nil {
				t.Fatal(err)
			}
			if err := f.Idle(ctx, time.Millisecond); err != nil {
				t.Fatal(err)
			}
			for _, pattern := range []Pattern{
				{publish(address, 1, text), 1, 1},
				{publish(address, 20, text), 20, 1},
				{publish(address, 2, text), 2, 4},
			} {
				before := f.delivered
				got, took, err := f.Run(ctx, pattern, 20*time.Millisecond)
				if err != nil {
					t.Fatal(err)
				}
				counted, each := f.delivered-before, int64(clients*pattern.Notes)
				if got <= 0 || got%each != 0 || got != counted || took < 20*time.Millisecond {
					t.Errorf("%d deliveries in %v, counted %d, %d each", got, took, counted, each)
				}
				if n := len(f.publishers); n > 4 {
					t.Errorf("%d publishers", n)
				}
			}
		})
	}
}

func TestJoinEndsWithItsContext(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts, nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	f := fleet(t, silent.Addr().String(), &WebSocket{Path: "/"})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err = f.Join(ctx, 2)
	if want := "0 of 2 clients joined: context deadline exceeded"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestJoinReportsARefusal(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	f := fleet(t, server.Listener.Addr().String(), &WebSocket{Path: "/"})
	err := f.Join(t.Context(), 2)
	if !strings.Contains(fmt.Sprint(err), "404 Not Found") {
		t.Errorf("got %v", err)
	}
}

func TestServerMayEndAnIdlePublisher(t *testing.T) {
	t.Parallel()
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewUnstartedServer(nothing)
	server.Config.IdleTimeout = time.Millisecond
	server.Start()
	defer server.Close()
	address := server.Listener.Addr().String()
	f := fleet(t, address, &EventSource{Path: "/", Mark: '~'})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for range 3 {
		if err := f.publish(publish(address, 1, "x")); err != nil {
			t.Fatal(err)
		}
		if err := f.wait(ctx, 0, 0); err != nil {
			t.Fatal(err)
		}
		for len(f.publishers) > 0 {
			if err := f.Idle(ctx, time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestALostClientIsAnError(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "\n")
	}))
	defer server.Close()
	f := fleet(t, server.Listener.Addr().String(), &EventSource{Path: "/", Mark: '~'})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := f.Join(ctx, 1); err != nil {
		t.Fatal(err)
	}
	server.CloseClientConnections()
	err := f.Idle(ctx, time.Minute)
	closed := "the server closed the connections of 1 clients"
	if fmt.Sprint(err) != closed && !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("got %v, want %s", err, closed)
	}
}
