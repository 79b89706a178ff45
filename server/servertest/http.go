// Package servertest has what the tests of several packages need: a listener, HTTP and Socket.IO
// clients of few lines, logs to wait on.
package servertest

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const Key = "a-key-of-at-least-32-random-bytes-0001"

// Serve serves handler on a loopback port until the test ends and returns host:port.
func Serve(t testing.TB, handler http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
		ErrorLog: log.New(io.Discard, "", 0)}
	var open sync.WaitGroup // connections: after a refused body one lingers for half a second
	s.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Done()
		}
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
		open.Wait()
	})
	return l.Addr().String()
}

// HTTPClient opens a connection per request, so that none outlives its test.
func HTTPClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		Timeout:   20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// Do sends a request; headers are "Name: value" lines.
func Do(t testing.TB, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return DoRequest(t, r, headers...)
}

func DoRequest(t testing.TB, r *http.Request, headers ...string) (*http.Response, string) {
	t.Helper()
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	res, err := HTTPClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

// Raw writes bytes to a new connection and reads all that comes back.
func Raw(t testing.TB, address, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(c) // a reset after the answer is fine
	return string(answer)
}

func ExpectHeaders(t testing.TB, res *http.Response, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := strings.Join(res.Header.Values(name), ", "); got != value {
			t.Errorf("%s %s: %s is %q, want %q", res.Request.Method, res.Request.Header, name, got, value)
		}
	}
}
