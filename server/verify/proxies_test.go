package verify

import (
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// without returns a proxy that removes headers.
func without(names ...string) func(*proxy) http.Handler {
	return func(p *proxy) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, name := range names {
				r.Header.Del(name)
			}
			p.ServeHTTP(w, r)
		})
	}
}

// refuse returns a proxy that answers some requests itself.
func refuse(status int, some func(*http.Request) bool) func(*proxy) http.Handler {
	return func(p *proxy) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if some(r) {
				http.Error(w, "no", status)
				return
			}
			p.ServeHTTP(w, r)
		})
	}
}

func onStreams(change func(*http.Response)) func(*http.Response) error {
	return func(res *http.Response) error {
		if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
			change(res)
		}
		return nil
	}
}

// holding is a body of which the first 64 KiB come together.
type holding struct {
	io.ReadCloser
	held []byte
	full bool
}

func (h *holding) Read(p []byte) (int, error) {
	for !h.full {
		part := make([]byte, 32<<10)
		n, err := h.ReadCloser.Read(part)
		h.held = append(h.held, part[:n]...)
		h.full = err != nil || len(h.held) >= 64<<10
	}
	if len(h.held) > 0 {
		n := copy(p, h.held)
		h.held = h.held[n:]
		return n, nil
	}
	return h.ReadCloser.Read(p)
}

// compressed compresses a body, each part at once.
func compressed(body io.ReadCloser) io.ReadCloser {
	out, in := io.Pipe()
	go func() {
		z := gzip.NewWriter(in)
		part := make([]byte, 32<<10)
		for {
			n, err := body.Read(part)
			if err != nil {
				in.CloseWithError(err)
				return
			}
			_, _ = z.Write(part[:n])
			if z.Flush() != nil {
				return
			}
		}
	}()
	return struct {
		io.Reader
		io.Closer
	}{out, closers{body, out}}
}

type closers []io.Closer

func (c closers) Close() error {
	for _, each := range c {
		_ = each.Close()
	}
	return nil
}

// discard is a response that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// recorder keeps a response.
type recorder struct {
	bytes.Buffer
	header http.Header
}

func (r *recorder) WriteHeader(int) {}
func (r *recorder) Header() http.Header {
	if r.header == nil {
		r.header = http.Header{}
	}
	return r.header
}

// impatient is a TCP proxy that closes a connection after a time without bytes in both directions.
func impatient(t *testing.T, target string, idle time.Duration) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(func() { _ = listener.Close(); running.Wait() })
	running.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer near.Close()
				far, err := net.Dial("tcp", target)
				if err != nil {
					return
				}
				defer far.Close()
				timer := time.AfterFunc(idle, func() { near.Close(); far.Close() })
				defer timer.Stop()
				pass := func(to, from net.Conn) {
					defer to.Close()
					for part := make([]byte, 32<<10); ; {
						n, err := from.Read(part)
						if err != nil {
							return
						}
						timer.Reset(idle)
						if _, err := to.Write(part[:n]); err != nil {
							return
						}
					}
				}
				running.Go(func() { pass(far, near) })
				pass(near, far)
			})
		}
	})
	return listener.Addr().String()
}
