// Package servertest has helpers for the tests of several packages: listeners, HTTP, Socket.IO and
// EventSource clients, and logs. The helpers end a test with a failure when they cannot do what
// they say.
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

// Patience is how long the helpers wait for the server. It is long, so that a test fails only if
// the server never does what the test waits for.
const Patience = time.Minute

// Key is the API key of test servers.
const Key = "a-key-of-at-least-32-random-bytes-0001"

// Serve serves handler on a loopback port until the test ends, and returns host:port.
func Serve(t testing.TB, handler http.Handler) string {
	t.Helper()
	return Run(t, &http.Server{Handler: handler, ReadHeaderTimeout: Patience, ErrorLog: log.New(io.Discard, "", 0)})
}

// Run is Serve with a server that the caller made.
func Run(t testing.TB, s *http.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup // connections; after a refused body net/http keeps one for 0.5 s
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

// HTTPClient returns a client that opens a connection for each request, so that no connection
// outlives its test. It does not follow redirects.
func HTTPClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		Timeout:   Patience,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// Do sends a request and returns the response with its body. A header has the form "Name: value".
func Do(t testing.TB, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return DoRequest(t, r, headers...)
}

// DoRequest is Do with a request that the caller made.
func DoRequest(t testing.TB, r *http.Request, headers ...string) (*http.Response, string) {
	t.Helper()
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" { // which net/http takes from the request, not from its headers
			r.Host = value
		}
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

// Raw writes bytes to a new connection and returns everything that the server writes until it
// closes the connection. The server can close it before it has read all bytes.
func Raw(t testing.TB, address, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(Patience))
	_, _ = io.WriteString(c, request)
	response, _ := io.ReadAll(c) // the server may reset the connection after the response
	return string(response)
}

// ExpectHeaders compares headers of a response. It joins repeated headers with ", ".
func ExpectHeaders(t testing.TB, res *http.Response, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := strings.Join(res.Header.Values(name), ", "); got != value {
			t.Errorf("%s %s: %s is %q, want %q", res.Request.Method, res.Request.Header, name, got, value)
		}
	}
}
